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
from services.kit.resilience import deadline
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
    """

    def __init__(
        self,
        service: str,
        policies: Mapping[str, EdgePolicy],
        resolver: Resolver,
        transport: Transport,
        telemetry: Telemetry,
        rng: random.Random,
    ) -> None:
        self._service = service
        self._resolver = resolver
        self._transport = transport
        self._telemetry = telemetry
        self._tracer = telemetry.tracer
        self._sink = TelemetrySink(telemetry.metrics)
        self._pipelines = {
            callee: EdgePipeline(f"{service}->{callee}", policy, self._sink, rng, time.monotonic)
            for callee, policy in policies.items()
        }
        self._balancers = {callee: LoadBalancer(policy.balancer, rng) for callee, policy in policies.items()}

    async def call(
        self, callee: str, outgoing: Outgoing, parse: Callable[[Reply], Answer], offer: Offer[Answer] | None = None
    ) -> Answer:
        """Sends `outgoing` and parses its answer.

        Raises:
            CallError: The call did not succeed, and the edge declares no fallback that `offer` serves.
            KeyError: The topology has no such edge.
        """
        pipeline = self._pipelines[callee]
        failed_instance: Instance | None = None

        async def attempt(number: int) -> Reply:
            nonlocal failed_instance
            instance = self._choose(callee, failed_instance, pipeline.edge)
            failed_instance = instance
            with self._balancers[callee].counting(instance):
                return await self._attempt(pipeline, instance, outgoing, number)

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

    def _choose(self, callee: str, avoid: Instance | None, edge: str) -> Instance:
        instances = self._resolver.resolve(callee)
        if not instances:
            raise UnreachableError(edge, "no instance is up")
        return self._balancers[callee].choose(instances, avoid)

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
                reply = await self._transport.send(pipeline.edge, instance, outgoing, _headers(), pipeline.policy.timeout)
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
                self._telemetry.metrics.client_duration.labels(pipeline.edge, status or "cancelled").observe(
                    time.perf_counter() - started_s, exemplar=current_exemplar()
                )
        return reply

    def _count(self, edge: str, outcome: str) -> None:
        self._telemetry.metrics.calls.labels(edge, outcome).inc()


def _headers() -> dict[str, str]:
    """Trace context, the request's id, and the time that is left."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    named = request_id.current.get()
    if named:
        headers[REQUEST_ID_HEADER] = named
    left_ms = deadline.remaining_ms()
    if left_ms is not None:
        headers[deadline.HEADER] = f"{max(0.0, left_ms):.0f}"
        headers[deadline.AT_HEADER] = f"{time.time() + left_ms / 1_000:.3f}"
    return headers
