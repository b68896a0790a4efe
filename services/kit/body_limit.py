"""A bound on request bodies, whatever their headers say."""

from http import HTTPStatus

from observability.metrics import App, Message, Receive, Scope, Send
from services.kit.errors import problem_response

MAX_BODY_BYTES = 64 * 1024


class BodyTooLargeError(Exception):
    """More came than is allowed."""


class BodyLimit:
    """Pure ASGI: answers 413 to a body above `limit` bytes, by its declared length or, failing that, by counting."""

    def __init__(self, app: App, limit: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > self._limit:
            await self._refuse(scope, receive, send)
            return
        taken = 0
        answered = False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise BodyTooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except BodyTooLargeError:
            if answered:
                raise
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"the body is larger than {self._limit} bytes"
        await problem_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, {"Connection": "close"})(scope, receive, send)
