"""The only way to another service: fallback around the edge's pipeline, then balancing and transport for each attempt."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from opentelemetry import propagate
from opentelemetry.trace import SpanKind, Status, StatusCode

from observability import names, request_id
from observability.metrics import current_exemplar
from observability.telemetry import Telemetry
from services.kit.answers import REQUEST_ID_HEADER
from services.kit.balancer import LoadBalancer
from services.kit.decisions import TelemetrySink
from services.kit.discovery import Resolver
from services.kit.errors import CallError, RemoteError, UnreachableError
from services.kit.message import Outgoing, Reply
from services.kit.resilience import deadline, priority
from services.kit.resilience.decision import Decision, Verb
from services.kit.resilience.pipeline import EdgePipeline
from services.kit.transport import Transport
from services.policy import EdgePolicy, FallbackKind
from services.registry import Instance

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Offer(Generic[Answer]):
    """A degraded answer that the calling code can make; used only where the edge declares a fallback of this kind."""

    kind: FallbackKind
    answer: Callable[[CallError], Answer]


class Caller:
    """Calls other services on behalf of `service`.

    Args:
        service: Who calls.
        policies: What is in force on each of its edges, by callee.
        resolver: Finds instances.
        transport: Sends one attempt.
        telemetry: Spans and metrics of every attempt.
        rng: Of jitter and balancing.
        traffic: Whether somebody waits for its calls; how metrics tell them apart.
    """

    def __init__(
        self,
        service: str,
        policies: Mapping[str, EdgePolicy],
        resolver: Resolver,
        transport: Transport,
        telemetry: Telemetry,
        rng: random.Random,
        traffic: str = names.TRAFFIC_FOREGROUND,
    ) -> None:
        self._service = service
        self._resolver = resolver
        self._transport = transport
        self._telemetry = telemetry
        self._traffic = traffic
        self._tracer = telemetry.tracer
        self._sink = TelemetrySink(telemetry.metrics)
        self._pipelines = {
            callee: EdgePipeline(f"{service}->{callee}", policy, self._sink, rng, time.monotonic)
            for callee, policy in policies.items()
        }
        self._rng = rng
        self._balancers = {callee: self._balancer(callee, policy) for callee, policy in policies.items()}

    def policy(self, callee: str) -> EdgePolicy:
        """What is in force for calls of `callee` that begin now. Raises KeyError: the topology has no such edge."""
        return self._pipelines[callee].policy

    def adopt(self, callee: str, policy: EdgePolicy) -> None:
        """Puts `policy` in force for calls that begin from now on; those under way end under what they began with.

        A pattern whose parameters do not change keeps its state: another retry policy closes no breaker.

        Raises:
            KeyError: The topology has no such edge.
        """
        before = self._pipelines[callee]
        self._pipelines[callee] = before.succeeded_by(policy)
        if (policy.balancer, policy.outlier_ejection) != (before.policy.balancer, before.policy.outlier_ejection):
            self._balancers[callee] = self._balancer(callee, policy)

    def _balancer(self, callee: str, policy: EdgePolicy) -> LoadBalancer:
        edge = f"{self._service}->{callee}"

        def told(instance: str, ejected: bool, reason: str) -> None:  # noqa: FBT001 - the balancer's signature.
            self._sink.decided(Decision(edge, Verb.EJECTED if ejected else Verb.READMITTED, instance, reason))

        return LoadBalancer(policy.balancer, policy.outlier_ejection, self._rng, time.monotonic, told)

    async def call(
        self, callee: str, outgoing: Outgoing, parse: Callable[[Reply], Answer], offer: Offer[Answer] | None = None
    ) -> Answer:
        """Sends `outgoing` and parses its answer.

        Raises:
            CallError: The call did not succeed, and the edge declares no fallback that `offer` serves.
            KeyError: The topology has no such edge.
        """
        pipeline = self._pipelines[callee]
        balancer = self._balancers[callee]
        tried: tuple[str, ...] = ()

        async def attempt(number: int) -> Reply:
            nonlocal tried
            instances = self._resolver.resolve(callee)
            if not instances:
                raise UnreachableError(pipeline.edge, "no instance is up")
            instance = balancer.choose(instances, tried)
            tried = (instance.name,)
            ticket = balancer.begin(instance)
            try:
                reply = await self._attempt(pipeline, instance, outgoing, number)
            except CallError as error:
                ticket.failed(error)
                raise
            except BaseException:
                ticket.abandoned()
                raise
            ticket.succeeded()
            return reply

        try:
            reply = await pipeline.run(attempt, repeatable=outgoing.repeatable)
        except CallError as error:
            declared = pipeline.policy.fallback
            if offer is None or declared is None or declared.kind is not offer.kind:
                self._count(pipeline.edge, error.reason)
                raise
            self._sink.decided(Decision(pipeline.edge, Verb.FALLBACK, offer.kind, error.reason))
            self._count(pipeline.edge, "fallback")
            return offer.answer(error)
        self._count(pipeline.edge, "ok")
        return parse(reply)

    async def _attempt(self, pipeline: EdgePipeline, instance: Instance, outgoing: Outgoing, number: int) -> Reply:
        attributes: dict[str, str | int] = {
            names.ATTR_METHOD: outgoing.method,
            names.ATTR_URL: instance.base_url + outgoing.path,
            names.ATTR_SERVER_ADDRESS: instance.host,
            names.ATTR_SERVER_PORT: instance.port,
            names.ATTR_EDGE: pipeline.edge,
        }
        if number > 1:
            attributes[names.ATTR_RESEND_COUNT] = number - 1
        started_s = time.perf_counter()
        status = ""
        with self._tracer.start_as_current_span(
            f"{outgoing.method} {outgoing.route}", kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        ) as span:
            try:
                reply = await self._transport.send(pipeline.edge, instance, outgoing, _headers(outgoing), pipeline.policy.timeout)
                status = str(reply.status)
                span.set_attribute(names.ATTR_STATUS, reply.status)
            except CallError as error:
                status = str(error.remote_status) if isinstance(error, RemoteError) else error.reason
                if isinstance(error, RemoteError):
                    span.set_attribute(names.ATTR_STATUS, error.remote_status)
                span.set_attribute(names.ATTR_ERROR_TYPE, status)
                span.set_status(Status(StatusCode.ERROR, error.detail))
                raise
            finally:
                self._telemetry.metrics.client_duration.labels(pipeline.edge, status or "cancelled", self._traffic).observe(
                    time.perf_counter() - started_s, exemplar=current_exemplar()
                )
        return reply

    def _count(self, edge: str, outcome: str) -> None:
        self._telemetry.metrics.calls.labels(edge, outcome, self._traffic).inc()


def _headers(outgoing: Outgoing) -> dict[str, str]:
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
