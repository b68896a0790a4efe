"""The attempts of one call: each at a replica, under a timeout, in a span and with the headers of its own."""

import asyncio
import time

from opentelemetry import propagate
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from observability import names, request_id
from observability.metrics import Metrics, current_exemplar
from services.kit.answers import REQUEST_ID_HEADER
from services.kit.discovery import Resolver
from services.kit.edge import Edge
from services.kit.errors import AttemptTimeoutError, CallError, Reason, RemoteError, UnreachableError
from services.kit.message import Outgoing, Reply
from services.kit.resilience import deadline, priority
from services.kit.resilience.course import Course
from services.kit.resilience.timeout import Bound
from services.kit.transport import Transport
from services.registry import Instance


class Road:
    """What the calls of a process to others share: how replicas are found and reached, and where it is told."""

    __slots__ = ("metrics", "resolver", "tracer", "traffic", "transport")

    def __init__(self, resolver: Resolver, transport: Transport, tracer: Tracer, metrics: Metrics, traffic: str) -> None:
        self.resolver = resolver
        self.transport = transport
        self.tracer = tracer
        self.metrics = metrics
        self.traffic = traffic


class Sending:
    """One call's way over `edge`."""

    __slots__ = ("_edge", "_outgoing", "_road", "_tried")

    def __init__(self, road: Road, edge: Edge, outgoing: Outgoing) -> None:
        self._road = road
        self._edge = edge
        self._outgoing = outgoing
        self._tried: tuple[str, ...] = ()

    def elsewhere(self) -> bool:
        """Whether a replica would take an attempt that has not been asked yet."""
        instances = self._road.resolver.resolve(self._edge.callee)
        return any(instance.name not in self._tried for instance in self._edge.balancer.rotation(instances))

    async def attempt(self, number: int, course: Course) -> Reply:
        """Attempt `number`, at another replica than those before it if there is one. Raises CallError."""
        instance = self._choose()
        ticket = self._edge.balancer.begin(instance)
        try:
            reply = await self._watched(number, course, instance)
        except BaseException as error:
            course.report(ticket, error)
            raise
        ticket.succeeded()
        return reply

    def _choose(self) -> Instance:
        instances = self._road.resolver.resolve(self._edge.callee)
        if not instances:
            raise UnreachableError(self._edge.name, "no instance is up")
        tried = self._tried
        if tried and all(instance.name in tried for instance in instances):
            tried = tried[-1:]  # Everybody was asked: then it is the one that was asked last that is to be avoided.
        instance = self._edge.balancer.choose(instances, tried)
        self._tried = (*tried, instance.name)
        return instance

    async def _watched(self, number: int, course: Course, instance: Instance) -> Reply:
        road, outgoing = self._road, self._outgoing
        attributes: dict[str, str | int] = {
            names.ATTR_METHOD: outgoing.method,
            names.ATTR_URL: instance.base_url + outgoing.path,
            names.ATTR_SERVER_ADDRESS: instance.host,
            names.ATTR_SERVER_PORT: instance.port,
            names.ATTR_EDGE: self._edge.name,
        }
        if number > 1:
            attributes[names.ATTR_RESEND_COUNT] = number - 1
        started_s = time.perf_counter()
        status = ""
        with road.tracer.start_as_current_span(
            f"{outgoing.method} {outgoing.route}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                reply = await self._bounded(instance)
                status = str(reply.status)
                span.set_attribute(names.ATTR_STATUS, reply.status)
            except BaseException as error:
                status = _mark(span, course, error)
                raise
            finally:
                road.metrics.client_duration.labels(self._edge.name, status, road.traffic).observe(
                    time.perf_counter() - started_s, exemplar=current_exemplar()
                )
        return reply

    async def _bounded(self, instance: Instance) -> Reply:
        edge, limits = self._edge, self._edge.policy.timeout
        headers = headers_of(self._outgoing)
        if limits is None:
            return await self._road.transport.send(edge.name, instance, self._outgoing, headers, None)
        bound = Bound(asyncio.get_running_loop().time() + limits.attempt_ms / 1_000)
        try:
            with bound:
                return await self._road.transport.send(edge.name, instance, self._outgoing, headers, limits)
        except TimeoutError:
            if bound.expired:
                raise AttemptTimeoutError(edge.name, f"no answer from {instance.name} in time") from None
            raise


def headers_of(outgoing: Outgoing) -> dict[str, str]:
    """Trace context, the request's id, how urgent it is, and the time that is left."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    named = request_id.current.get()
    if named:
        headers[REQUEST_ID_HEADER] = named
    urgency = priority.current() if outgoing.urgency is None else outgoing.urgency
    if urgency != priority.DEFAULT:
        headers[priority.HEADER] = priority.format_header(urgency)
    left_ms = deadline.remaining_ms()
    if left_ms is not None:
        headers[deadline.HEADER] = f"{max(0.0, left_ms):.0f}"
        headers[deadline.AT_HEADER] = f"{time.time() + left_ms / 1_000:.3f}"
    return headers


def _mark(span: Span, course: Course, error: BaseException) -> str:
    """Says in `span` how its attempt ended; the same for the label of its duration."""
    if isinstance(error, CallError):
        kind = str(error.remote_status) if isinstance(error, RemoteError) else str(error.reason)
        if isinstance(error, RemoteError):
            span.set_attribute(names.ATTR_STATUS, error.remote_status)
        span.set_status(Status(StatusCode.ERROR, error.detail))
    elif not isinstance(error, asyncio.CancelledError):
        kind = type(error).__name__
        span.set_status(Status(StatusCode.ERROR, str(error)))
    elif course.is_late:
        kind = str(Reason.DEADLINE)
        span.set_status(Status(StatusCode.ERROR, "the call's deadline came first"))
    else:
        kind = names.CANCELLED  # Nobody's fault: its caller is gone, or a hedge was faster.
    span.set_attribute(names.ATTR_ERROR_TYPE, kind)
    return kind
