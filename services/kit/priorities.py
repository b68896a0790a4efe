"""The server's side of a priority: the urgency that a caller states becomes this request's."""

from observability.asgi import App, Receive, Scope, Send
from services.kit.resilience.priority import HEADER, parse_header, priority_within

_NAME = HEADER.lower().encode()


class PriorityMiddleware:
    """Pure ASGI: makes the caller's urgency this request's.

    Not for the entry: what a stranger's client says of itself (browsers do) counts for nothing, and the route decides.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on under its urgency."""
        stated = [value for name, value in scope.get("headers", ()) if name == _NAME]
        if not stated:
            await self._app(scope, receive, send)
            return
        with priority_within(parse_header(b",".join(stated).decode("latin-1"))):
            await self._app(scope, receive, send)
