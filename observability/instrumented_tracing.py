"""The default path: server spans by opentelemetry-instrumentation-fastapi, tuned through its public doors.

Its spans are those of the instrumentation as it is (test_lean_tracing.py compares both), for less of a request's time: no spans
for ASGI messages, no attribute set twice, no look for the route before the framework looks for it, and fewer headers decoded.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, Tracer
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware

from observability import names
from observability.asgi import App, Message, Receive, Scope, Send
from observability.propagation import HEADERS, told_by_caller
from observability.routes import Routed, route_of
from observability.server_span import OF_PLATFORM, describe, is_of_platform, span_name

_UNTRACED_URLS: Final = rf"^[a-z]+://[^/]+/{OF_PLATFORM}"
_APP: Final = "app"
_HEADERS: Final = "headers"
_ROUTE: Final = "route"
_HIDDEN: Final = "firebreak.hidden"
_READ: Final = HEADERS | {b"user-agent"}
"""Of a request's headers, what its span is told by."""


def trace_by_instrumentation(app: FastAPI, provider: TracerProvider) -> None:
    """One server span a request. The spans of ASGI messages are left out: they cost as much as the request itself."""
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=_BareStart(provider),
        excluded_urls=_UNTRACED_URLS,
        exclude_spans=["receive", "send"],
    )
    build = app.build_middleware_stack

    def stack() -> App:
        # Now, so that it stands outside of what has been added since.
        app.user_middleware.insert(0, Middleware(_RouteAtTheAnswer, routed=app, own=provider.resource.attributes))
        return _Blinkers(_instrumented(build()))

    app.build_middleware_stack = stack  # type: ignore[method-assign]


def _instrumented(stack: App) -> App:
    """Without what the instrumentation has around itself against errors of its own: the server answers these just as well."""
    return stack.app if isinstance(stack, ServerErrorMiddleware) else stack


class _NoRoutes:
    """What the instrumentation sees of the application: it asks for routes, and matches each of them with the request."""

    routes: Final = ()


class _Blinkers:
    """Outside of the instrumentation, which would match every route and decode every header for each one that it looks for."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._bare = _NoRoutes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_of_platform(scope["path"]):
            headers = scope[_HEADERS]
            scope[_HIDDEN] = scope[_APP], headers
            scope[_APP] = self._bare
            scope[_HEADERS] = [pair for pair in headers if pair[0] in _READ]
        await self._app(scope, receive, send)


class _RouteAtTheAnswer:
    """Inside of it: shows all again, and tells the span its route once the framework has found it."""

    def __init__(self, app: App, routed: Routed, own: Mapping[str, object]) -> None:
        self._app = app
        self._routed = routed
        self._own = own  # What the resource says already of run and arm.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _HIDDEN not in scope:
            await self._app(scope, receive, send)
            return
        seen = scope[_HEADERS]
        scope[_APP], scope[_HEADERS] = scope.pop(_HIDDEN)
        span = trace.get_current_span()
        if not span.is_recording():
            await self._app(scope, receive, send)
            return
        if any(name in HEADERS for name, _value in seen):
            span.set_attributes(told_by_caller(None, self._own))
        is_told = False

        async def telling(message: Message) -> None:
            nonlocal is_told
            if not is_told:  # The last message ends the span.
                is_told = True
                _tell_route(span, scope, self._routed)
            await send(message)

        try:
            await self._app(scope, receive, telling)
        finally:
            if not is_told:
                _tell_route(span, scope, self._routed)
        scope.pop(_ROUTE, None)  # The instrumentation would take it to pieces, for metrics that nobody reads.


def _tell_route(span: Span, scope: Scope, routed: Routed) -> None:
    route = route_of(scope, routed)
    if route:
        span.update_name(span_name(scope["method"], route))
        span.set_attribute(names.ATTR_ROUTE, route)


class _BareStart(trace.TracerProvider):
    """Spans of the instrumentation get their first attributes once, and all at once.

    It has them set at the start, sets each of them again by itself, and then sorts out which of them its metrics may have. Those
    are the same dictionary, so what it asks for at the start is taken out of that: nobody reads the metrics (ADR 19).
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *args: Any, **options: Any) -> Tracer:
        return _BareStartTracer(self._provider.get_tracer(*args, **options))


class _BareStartTracer(Tracer):
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(self, *args: Any, **options: Any) -> Span:
        attributes = options.pop("attributes", None)
        span = self._tracer.start_span(*args, **options)
        if attributes and span.is_recording():
            describe(span, attributes)
            attributes.clear()
        return span

    def start_as_current_span(self, *args: Any, **options: Any) -> Any:
        return self._tracer.start_as_current_span(*args, **options)
