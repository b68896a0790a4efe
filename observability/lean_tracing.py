"""The lean path: one SDK span a request, made by a small pure ASGI middleware, which times the request as well.

Its spans equal those of the default path, opentelemetry-instrumentation-fastapi, in names, kinds, attributes, status, events and
parents (test_lean_tracing.py compares them), oddities included: `server.address` holds the port. What it leaves out costs the
default path most of its time: to set attributes one at a time, and to feed metrics that nobody reads.
"""

from collections.abc import Awaitable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from opentelemetry import propagate
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.http import detect_synthetic_user_agent

from observability import names
from observability.asgi import App, Message, Receive, Scope, Send
from observability.propagation import HEADERS, told_by_caller
from observability.request_metrics import UNFORESEEN, RequestTimes
from observability.routes import Routed, route_of
from observability.server_span import describe, is_of_platform, sanitized, span_name

_USER_AGENT: Final = b"user-agent"
_DEFAULT_PORT: Final = 80
_SERVER_ERROR: Final = 500


class LeanTracing:
    """Outermost of an application: its span and its time, in one middleware. A second one would take as long as the span's ends.

    Args:
        app: Everything else, error handling included.
        routed: Tells the route of a request that was answered before it was routed.
        tracer: Makes the spans.
        own: What the resource says already of run and arm.
        times: Of the same requests.
    """

    def __init__(self, app: App, routed: Routed, tracer: Tracer, own: Mapping[str, object], times: RequestTimes) -> None:
        self._app = app
        self._routed = routed
        self._tracer = tracer
        self._own = own
        self._times = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on inside of a server span, which ends with the last byte of the answer."""
        if scope["type"] != "http" or is_of_platform(scope["path"]):
            await self._app(scope, receive, send)
            return
        carrier, user_agent = _of_head(scope["headers"])
        parent = propagate.extract(carrier) if carrier else Context()
        span = self._tracer.start_span(span_name(scope["method"], None), parent, SpanKind.SERVER)
        told = told_by_caller(parent, self._own) if carrier else None
        served = _Served(span, scope, send, self._routed, user_agent, told)
        token = attach(set_span_in_context(span, parent))
        began_s = self._times.begin()
        unanswered = 0
        try:
            await self._app(scope, receive, served.send)
        except Exception as error:
            unanswered = UNFORESEEN
            served.failed(error)
            raise
        finally:
            try:
                self._times.end(scope, served.status or unanswered, began_s)
            finally:
                detach(token)
                served.end()


class _Served:
    """A request whose span is being made, until it ends with the last byte of the answer."""

    __slots__ = ("_is_over", "_routed", "_scope", "_send", "_span", "_told", "_user_agent", "status")

    def __init__(
        self, span: Span, scope: Scope, send: Send, routed: Routed, user_agent: str, told: Mapping[str, str] | None
    ) -> None:
        self.status = 0
        """Stays so when the connection is cut without an answer."""
        self._scope = scope
        self._span = span
        self._send = send
        self._routed = routed
        self._user_agent = user_agent
        self._told = told
        self._is_over = not span.is_recording()

    def send(self, message: Message) -> Awaitable[None]:
        """Stands for the server's own."""
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
        # An error's span stays open for the exception, which comes this far only after its answer.
        elif kind == "http.response.body" and not message.get("more_body") and self.status < _SERVER_ERROR:
            return self._send_last(message)
        return self._send(message)

    async def _send_last(self, message: Message) -> None:
        await self._send(message)
        self.end()

    def failed(self, error: Exception) -> None:
        """The application raised. An answer that says so has stated the status already."""
        if not self._is_over:
            self._span.record_exception(error)
            self._span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))

    def end(self) -> None:
        """Says of the request what is known only now, and ends the span."""
        if self._is_over:
            return
        self._is_over = True
        if not self._span.is_recording():  # Its handler has ended it.
            return
        scope, span, status = self._scope, self._span, self.status
        route = route_of(scope, self._routed)
        method = sanitized(scope["method"])
        attributes = _described(scope, method, self._user_agent)
        if route:
            attributes[names.ATTR_ROUTE] = route
            span.update_name(span_name(scope["method"], route))
        if status:
            attributes[names.ATTR_STATUS] = status
        if status >= _SERVER_ERROR:
            attributes[names.ATTR_ERROR_TYPE] = str(status)
            span.set_status(Status(StatusCode.ERROR))
        if self._told:
            attributes |= self._told
        describe(span, attributes)
        span.end()


def _of_head(headers: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, list[str]], str]:
    """What joins a request to its caller's trace, by header, and its user agent."""
    carrier: dict[str, list[str]] = {}
    user_agent = b""
    for name, value in headers:
        if name in HEADERS:
            carrier.setdefault(name.decode(), []).append(value.decode(errors="replace"))
        elif name == _USER_AGENT:
            user_agent = user_agent or value
    return carrier, user_agent.decode(errors="replace")


def _described(scope: Scope, method: str, user_agent: str) -> dict[str, str | int]:
    host, port = scope.get("server") or ("0.0.0.0", _DEFAULT_PORT)  # noqa: S104 - as the instrumentation says it of a Unix socket.
    attributes: dict[str, str | int] = {
        names.ATTR_URL_SCHEME: scope.get("scheme", "http"),
        names.ATTR_SERVER_ADDRESS: host if port == _DEFAULT_PORT else f"{host}:{port}",
        names.ATTR_PROTOCOL_VERSION: scope["http_version"],
        names.ATTR_URL_PATH: scope["path"],
        names.ATTR_METHOD: method,
    }
    if port:
        attributes[names.ATTR_SERVER_PORT] = port
    if scope["query_string"]:
        attributes[names.ATTR_URL_QUERY] = scope["query_string"].decode(errors="replace")
    if method != scope["method"]:
        attributes[names.ATTR_METHOD_ORIGINAL] = scope["method"]
    client = scope.get("client")
    if client:
        attributes[names.ATTR_CLIENT_ADDRESS], attributes[names.ATTR_CLIENT_PORT] = client
    if user_agent:
        attributes[names.ATTR_USER_AGENT] = user_agent
        kind = _synthetic(user_agent)
        if kind:
            attributes[names.ATTR_USER_AGENT_SYNTHETIC] = kind
    return attributes


@lru_cache(maxsize=256)
def _synthetic(user_agent: str) -> str | None:
    return detect_synthetic_user_agent(user_agent)
