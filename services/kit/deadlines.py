"""The server's side of a deadline: work that nobody waits for any more is refused before it starts, and cancelled after."""

import asyncio
import time
from collections.abc import Callable
from http import HTTPStatus

from opentelemetry import trace

from observability import names
from observability.asgi import App, Receive, Scope, Send
from observability.metrics import Metrics
from observability.request_metrics import NO_ROUTE
from services.kit.answers import problem_response
from services.kit.line import Line
from services.kit.resilience.deadline import AT_HEADER, HEADER, deadline_within, left_ms_of

_HEADER, _AT_HEADER = HEADER.lower().encode(), AT_HEADER.lower().encode()


class DeadlineMiddleware:
    """Pure ASGI: makes the caller's deadline this request's, and answers 504 when it has passed already.

    Whoever states a deadline also means that nothing be done for it once it has left. So the task of such a request is cancelled
    when its connection is lost before its answer is whole, and with the task its statements and its own calls. A request without
    a deadline is served to its end, as it is by any service that nobody configured.

    Args:
        app: What is wrapped.
        metrics: Of what was abandoned.
        clock: Seconds since the epoch, as callers state when their patience ends.
        deaf: Whether this process is cut off, so that it cannot learn that a caller has left.
    """

    def __init__(
        self,
        app: App,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
        deaf: Callable[[], bool] = bool,  # Never: what `bool` answers to nothing.
    ) -> None:
        self._app = app
        self._deaf = deaf
        self._abandoned = metrics.abandoned
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on under its deadline."""
        stated = {name: value.decode("latin-1") for name, value in scope.get("headers", ()) if name in (_HEADER, _AT_HEADER)}
        left_ms = left_ms_of(stated.get(_HEADER), stated.get(_AT_HEADER), self._clock())
        if left_ms is None:
            await self._app(scope, receive, send)
            return
        if left_ms == 0:
            await problem_response(HTTPStatus.GATEWAY_TIMEOUT, "the deadline had passed on arrival")(scope, receive, send)
            return
        with deadline_within(left_ms):
            line = Line.of(scope)
            if line is None:
                await self._app(scope, receive, send)
            else:
                await self._serve_while_it_stands(line, scope, receive, send)

    async def _serve_while_it_stands(self, line: Line, scope: Scope, receive: Receive, send: Send) -> None:
        if line.is_lost():  # While the request was held up on its way to here.
            self._tell(scope)
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - who awaits runs in one.
        line.watch(task, self._deaf)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not line.is_lost():
                raise
            task.uncancel()  # It has ended as it was told to: what stands around this may still wait for something.
            self._tell(scope)
        finally:
            line.forget(task)

    def _tell(self, scope: Scope) -> None:
        span = trace.get_current_span()
        span.set_attribute(names.ATTR_ERROR_TYPE, names.CANCELLED)
        span.add_event(names.EVENT_ABANDONED)
        self._abandoned.labels(getattr(scope.get("route"), "path", NO_ROUTE)).inc()
