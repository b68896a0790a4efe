"""What every attempt leaves behind: a client span that says how it ended, and the time that it took."""

import asyncio
import time
from types import TracebackType

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from observability import names
from observability.histogram import Times
from observability.metrics import Metrics
from services.kit.errors import CallError, Reason, RemoteError
from services.kit.message import Outgoing
from services.kit.resilience.course import Course
from services.registry import Instance


class AttemptWatch:
    """Makes the spans and the observations of all attempts of a process; `traffic` is the label of the latter."""

    __slots__ = ("_duration", "_durations", "_tracer", "_traffic")

    def __init__(self, tracer: Tracer, metrics: Metrics, traffic: str) -> None:
        self._tracer = tracer
        self._duration = metrics.client_duration
        self._durations: dict[tuple[str, str], Times] = {}  # As bounded as edges and the ways in which an attempt may end.
        self._traffic = traffic

    def begin(self, edge: str, instance: Instance, outgoing: Outgoing, number: int, course: Course) -> "WatchedAttempt":
        """Attempt `number` at `instance`, to be entered while it is made."""
        attributes: dict[str, str | int] = {
            names.ATTR_METHOD: outgoing.method,
            names.ATTR_URL: instance.base_url + outgoing.path,
            names.ATTR_SERVER_ADDRESS: instance.host,
            names.ATTR_SERVER_PORT: instance.port,
            names.ATTR_EDGE: edge,
        }
        if number > 1:
            attributes[names.ATTR_RESEND_COUNT] = number - 1
        span = self._tracer.start_span(f"{outgoing.method} {outgoing.route}", kind=SpanKind.CLIENT, attributes=attributes)
        return WatchedAttempt(self, edge, span, course)

    def observe(self, edge: str, status: str, began_s: float, ended_s: float) -> None:
        """Counts an attempt by how it ended, between two readings of a monotonic clock."""
        found = self._durations.get((edge, status))
        if found is None:
            found = self._durations[edge, status] = self._duration.labels(edge, status, self._traffic)
        found.observe(began_s, ended_s)


class WatchedAttempt:
    """One attempt. Its span is the current one, so that whatever happens meanwhile is told there."""

    __slots__ = ("_course", "_edge", "_span", "_started_s", "_status", "_token", "_watch")

    def __init__(self, watch: AttemptWatch, edge: str, span: Span, course: Course) -> None:
        self._watch = watch
        self._edge = edge
        self._span = span
        self._course = course
        self._status = ""

    def __enter__(self) -> "WatchedAttempt":
        self._token = context.attach(trace.set_span_in_context(self._span))
        self._started_s = time.perf_counter()
        return self

    def headers(self) -> dict[str, str]:
        """What joins the callee's span to this one."""
        carried: dict[str, str] = {}
        propagate.inject(carried)
        return carried

    def answered(self, status: int) -> None:
        """The callee answered with an HTTP status below 500."""
        self._status = str(status)
        self._span.set_attribute(names.ATTR_STATUS, status)

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None) -> None:
        ended_s = time.perf_counter()
        if error is not None:
            self._status = self._failed(error)
        self._watch.observe(self._edge, self._status, self._started_s, ended_s)
        context.detach(self._token)
        self._span.end()

    def _failed(self, error: BaseException) -> str:
        """Says in the span how the attempt ended. Returns the same for the label of its duration."""
        span = self._span
        if isinstance(error, CallError):
            kind = str(error.remote_status) if isinstance(error, RemoteError) else str(error.reason)
            if isinstance(error, RemoteError):
                span.set_attribute(names.ATTR_STATUS, error.remote_status)
            span.set_status(Status(StatusCode.ERROR, error.detail))
        elif not isinstance(error, asyncio.CancelledError):
            kind = type(error).__name__
            span.set_status(Status(StatusCode.ERROR, str(error)))
        elif self._course.is_late:
            kind = str(Reason.DEADLINE)
            span.set_status(Status(StatusCode.ERROR, "the call's deadline came first"))
        else:
            kind = names.CANCELLED  # Nobody's fault: its caller is gone, or a hedge was faster.
        span.set_attribute(names.ATTR_ERROR_TYPE, kind)
        return kind
