"""Gives every request its id: the one that its sender chose, if that can stand in a log, else one of ours."""

import re
import uuid

from opentelemetry import trace

from observability.asgi import App, Message, Receive, Scope, Send
from observability.request_id import current
from services.kit.answers import REQUEST_ID_HEADER

_NAME = REQUEST_ID_HEADER.lower().encode()
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    """Pure ASGI: the request's id is in its logs, in the calls that it makes, and in its answer."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _NAME), b"")
        request_id = given if _SANE.fullmatch(given) else _new()
        # Not reset: the server logs an unforeseen error in this task after we have left it, and has a task for each request.
        current.set(request_id.decode())

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (_NAME, request_id)]
            await send(message)

        await self._app(scope, receive, named)


def _new() -> bytes:
    """The trace id, so that one id leads to logs and spans; where nothing is traced, a random one."""
    context = trace.get_current_span().get_span_context()
    return (f"{context.trace_id:032x}" if context.is_valid else uuid.uuid4().hex).encode()
