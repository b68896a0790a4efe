"""How long requests take: the series, and the ASGI middleware that fills them beside the instrumentation's spans."""

import time
from collections.abc import Awaitable
from typing import Final

from observability.asgi import App, Message, Receive, Scope, Send
from observability.histogram import Times
from observability.metrics import Metrics
from observability.routes import Routed, route_of
from observability.server_span import is_of_platform

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OTHER_METHOD: Final = "_OTHER"
"""OpenTelemetry's word for any other, which a stranger may have invented."""
NO_ROUTE: Final = "none"
"""Paths that match no route share one label value: they are chosen by strangers."""
UNFORESEEN: Final = 500
"""What the framework, which stands outside of all middleware, answers for an error that got that far."""


class RequestTimes:
    """Times requests by method, route and status, with the trace id as exemplar, and counts those under way."""

    def __init__(self, metrics: Metrics, routed: Routed) -> None:
        self._routed = routed
        self._duration = metrics.server_duration
        self._series: dict[tuple[str, str, int], Times] = {}  # As bounded as methods, routes and statuses.
        self._active = 0
        metrics.server_active.set_function(lambda: self._active)

    def begin(self) -> float:
        """A request came; what `end` is told of it later."""
        self._active += 1
        return time.perf_counter()

    def end(self, scope: Scope, status: int, began_s: float) -> None:
        """It was answered with `status`; 0: its connection was cut without an answer."""
        self._active -= 1
        method = scope["method"]
        key = (method if method in METHODS else OTHER_METHOD, route_of(scope, self._routed) or NO_ROUTE, status)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._duration.labels(key[0], key[1], str(status))
        series.observe(began_s, time.perf_counter())


class RequestMetrics:
    """Pure ASGI: times every request but the platform's own."""

    def __init__(self, app: App, times: RequestTimes) -> None:
        self._app = app
        self._times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and observes how long its answer took."""
        if scope["type"] != "http" or is_of_platform(scope["path"]):
            await self._app(scope, receive, send)
            return
        status = 0

        def observed(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        began_s = self._times.begin()
        try:
            await self._app(scope, receive, observed)
        except Exception:
            status = status or UNFORESEEN
            raise
        finally:
            self._times.end(scope, status, began_s)
