"""The server's side of a deadline: work that nobody waits for any more is refused before it starts."""

from http import HTTPStatus

from observability.metrics import App, Receive, Scope, Send
from services.kit.errors import problem_response
from services.kit.resilience.deadline import HEADER, deadline_within, parse_header

_HEADER = HEADER.lower().encode()


class DeadlineMiddleware:
    """Pure ASGI: makes the caller's deadline this request's, and answers 504 when it has passed already."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on under its deadline."""
        raw = next((value for name, value in scope["headers"] if name == _HEADER), None) if scope["type"] == "http" else None
        left_ms = parse_header(raw.decode("latin-1")) if raw else None
        if left_ms == 0:
            await problem_response(HTTPStatus.GATEWAY_TIMEOUT, "the deadline had passed on arrival")(scope, receive, send)
            return
        with deadline_within(left_ms):
            await self._app(scope, receive, send)
