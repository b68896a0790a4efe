"""The server's side of a deadline: work that nobody waits for any more is refused before it starts."""

import time
from collections.abc import Callable
from http import HTTPStatus

from observability.metrics import App, Receive, Scope, Send
from services.kit.answers import problem_response
from services.kit.resilience.deadline import AT_HEADER, HEADER, deadline_within, left_ms_of

_HEADER, _AT_HEADER = HEADER.lower().encode(), AT_HEADER.lower().encode()


class DeadlineMiddleware:
    """Pure ASGI: makes the caller's deadline this request's, and answers 504 when it has passed already."""

    def __init__(self, app: App, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on under its deadline."""
        stated = {name: value.decode("latin-1") for name, value in scope.get("headers", ()) if name in (_HEADER, _AT_HEADER)}
        left_ms = left_ms_of(stated.get(_HEADER), stated.get(_AT_HEADER), self._clock())
        if left_ms == 0:
            await problem_response(HTTPStatus.GATEWAY_TIMEOUT, "the deadline had passed on arrival")(scope, receive, send)
            return
        with deadline_within(left_ms):
            await self._app(scope, receive, send)
