"""The built-in page: one HTML document for every view, with its style and scripts, all served from memory."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from observability.store.errors import NotFoundError

_PARTS: Final = "observability.store.page_parts"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
_PATHS: Final = ("/", "/search", "/trace/{trace_id}", "/dependencies", "/logs")
"""Of the views. Jaeger's page has the first four at the same addresses, so links that were made for it work here."""

POLICY: Final = (
    "default-src 'none'; connect-src 'self'; img-src data:; style-src 'self'; script-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Names and attributes come from anybody: even a mistake in a script could then neither run, load nor send anything else."""


class Page:
    """The document and its assets, read once.

    The assets' address holds a digest of their content: a browser keeps them for good, and asks anew after each change.
    """

    def __init__(self) -> None:
        parts = {
            part.name: part.read_bytes() for part in sorted(files(_PARTS).iterdir(), key=lambda part: part.name) if part.is_file()
        }
        self._assets = {name: body for name, body in parts.items() if _suffix(name) in _MEDIA_TYPES}
        digest = hashlib.sha256(b"".join(body for body in self._assets.values())).hexdigest()[:16]
        self._base = f"/assets/{digest}"
        self._document = parts["page.html"].decode().replace("{assets}", self._base).replace("{preloads}", self._preloads())

    @property
    def routes(self) -> Sequence[Route]:
        """Where the views and the assets are."""
        return (*(Route(path, self.answer) for path in _PATHS), Route("/assets/{digest}/{name}", self.asset))

    async def answer(self, _: Request) -> Response:
        """The document; which view it shows is decided by its address in the browser."""
        headers = {
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-cache",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(self._document, headers=headers, media_type="text/html")

    async def asset(self, request: Request) -> Response:
        """A script or the style. An old digest gets what is here now, but may not keep it."""
        name = request.path_params["name"]
        if name not in self._assets:
            raise NotFoundError(f"the page has no part {name!r:.100}")
        current = request.url.path.startswith(f"{self._base}/")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(self._assets[name], headers=headers, media_type=_MEDIA_TYPES[_suffix(name)])

    def _preloads(self) -> str:
        """Links by which a browser asks for all scripts at once, instead of each when another imports it."""
        scripts = (name for name in self._assets if _suffix(name) == ".js")
        return "\n".join(f'<link rel="modulepreload" href="{self._base}/{name}">' for name in scripts)


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]
