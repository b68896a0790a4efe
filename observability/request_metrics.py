"""The ASGI middleware that times requests."""

import time

from observability.asgi import App, Message, Receive, Scope, Send
from observability.histogram import Times
from observability.metrics import Metrics
from observability.routes import Routed, route_of

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
OTHER_METHOD = "_OTHER"
"""OpenTelemetry's word for any other, which a stranger may have invented."""
_UNMEASURED = frozenset({"/metrics", "/__chaos__", "/__policy__"})
_UNMEASURED_BELOW = ("/health/", "/__chaos__/", "/__policy__/")
_UNFORESEEN = 500  # What the framework, which stands outside of all middleware, answers for an error that got that far.
NO_ROUTE = "none"  # Paths that match no route share one label value: they are chosen by strangers.


class RequestMetrics:
    """Pure ASGI: times every request by method, route and status, with the trace id as exemplar."""

    def __init__(self, app: App, metrics: Metrics, routed: Routed) -> None:
        self._app = app
        self._routed = routed
        self._duration = metrics.server_duration
        self._series: dict[tuple[str, str, int], Times] = {}  # As bounded as methods, routes and statuses.
        self._active = 0
        metrics.server_active.set_function(lambda: self._active)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and observes how long its answer took."""
        if scope["type"] != "http" or scope["path"] in _UNMEASURED or scope["path"].startswith(_UNMEASURED_BELOW):
            await self._app(scope, receive, send)
            return
        status = 0  # Stays so when the connection is cut without an answer.

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._active += 1
        began_s = time.perf_counter()
        try:
            await self._app(scope, receive, observed)
        except Exception:
            status = status or _UNFORESEEN
            raise
        finally:
            self._active -= 1
            method = scope["method"]
            key = (method if method in METHODS else OTHER_METHOD, route_of(scope, self._routed) or NO_ROUTE, status)
            series = self._series.get(key)
            if series is None:
                series = self._series[key] = self._duration.labels(key[0], key[1], str(status))
            series.observe(began_s, time.perf_counter())


def is_of_platform(path: str) -> bool:
    """Whether a path is one that machines ask all the time, which would bury what customers ask."""
    return path in _UNMEASURED or path.startswith(_UNMEASURED_BELOW)
