"""Routes that read a body only one way: as JSON that says so, each key once, without numbers that are none."""

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException


class StrictRoute(APIRoute):
    """An `APIRouter(route_class=StrictRoute)` refuses what two readers could take for two different things."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler over a stricter request."""
        handle = super().get_route_handler()
        reads_body = self.body_field is not None

        async def strictly(request: Request) -> Response:
            if reads_body and not _is_json(request.headers.get("content-type", "")):
                raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json")
            return await handle(_StrictRequest(request.scope, request.receive))

        return strictly


class _StrictRequest(Request):
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = json.loads(await self.body(), object_pairs_hook=_object, parse_constant=_no_number)
        return self._json


@lru_cache(maxsize=32)
def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    return message.get_content_maintype() == "application" and (
        message.get_content_subtype() == "json" or message.get_content_subtype().endswith("+json")
    )


# HTTPException, because FastAPI makes any other error of reading a body a 400 that does not say what is wrong.
def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"body: the key {twice[:50]!r} stands twice in one object")
    return found


def _no_number(constant: str) -> NoReturn:
    raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"body: {constant} is no JSON")
