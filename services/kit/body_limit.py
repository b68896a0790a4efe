"""How large a request may be: what is larger is refused, and never kept."""

from http import HTTPStatus

from starlette.exceptions import HTTPException

from observability.asgi import App, Message, Receive, Scope, Send
from services.kit.answers import problem_response


class BodyLimitMiddleware:
    """Pure ASGI: answers 413 as a problem. FastAPI's own limit answers in plain text, without the trace id.

    A body that states its length is refused before any of it is read, one sent in chunks as soon as it grows beyond the bound.

    Args:
        app: What is wrapped; it answers an HTTPException that is raised while it reads the body.
        max_bytes: The largest body that passes.
    """

    def __init__(self, app: App, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._detail = f"the body has more than {max_bytes} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with a bounded `receive`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _stated_bytes(scope) > self._max_bytes:
            await problem_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)(scope, receive, send)
            return
        received_bytes = 0

        async def bounded() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._max_bytes:
                # This class only: FastAPI makes any other error of reading a body a 400 that blames its syntax.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)
            return message

        await self._app(scope, bounded, send)


def _stated_bytes(scope: Scope) -> int:
    """What `Content-Length` says; 0 where it is missing or no number, for then the bytes themselves are counted."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(value) if value.isdigit() else 0
