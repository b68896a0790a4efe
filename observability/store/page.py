"""The page at `/`: one HTML document with its style and script inside, so that it needs nothing but this process."""

import base64
import hashlib
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_PARTS: Final = "observability.store.page_parts"


class Page:
    """The document, put together once from the files of `page_parts`."""

    def __init__(self) -> None:
        parts = files(_PARTS)
        style, script = (parts.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
        template = parts.joinpath("page.html").read_text(encoding="utf-8")
        self._document = template.replace("/*STYLE*/", style).replace("/*SCRIPT*/", script).encode()
        # Span names and attributes come from anybody: even a mistake in the script could then run or load nothing else.
        self._policy = (
            f"default-src 'none'; connect-src 'self'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    async def answer(self, _: Request) -> Response:
        """The document; which view it shows is decided by its address in the browser."""
        headers = {"Content-Security-Policy": self._policy, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(self._document, headers=headers, media_type="text/html")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
