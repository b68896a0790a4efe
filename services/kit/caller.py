"""The only way to another service: fallback around the edge's pipeline, then balancing and transport for each attempt."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Generic, TypeVar

from observability import names
from observability.telemetry import Telemetry
from services.kit import counters, edge_gauges
from services.kit.attempt_watch import AttemptWatch
from services.kit.decisions import TelemetrySink
from services.kit.discovery import Resolver
from services.kit.edge import Edge
from services.kit.errors import CallError
from services.kit.message import Outgoing, Reply
from services.kit.resilience.answer_cache import AnswerCache
from services.kit.resilience.decision import Decision, Verb
from services.kit.sending import Sending
from services.kit.transport import Transport
from services.policy import EdgePolicy, FallbackKind

Answer = TypeVar("Answer")
_READ = "GET"


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
        rng: Of jitter, throttling and balancing.
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
        self._metrics = telemetry.metrics
        self._traffic = traffic
        self._counted: dict[tuple[str, str], Callable[[], None]] = {}  # Looked up once: it costs thrice as much as to count.
        self._sink = TelemetrySink(telemetry.metrics)
        self._resolver = resolver
        self._transport = transport
        self._watch = AttemptWatch(telemetry.tracer, telemetry.metrics, traffic)
        self._edges = {
            callee: Edge(service, callee, policy, self._sink, rng, time.monotonic) for callee, policy in policies.items()
        }
        for edge in self._edges.values():
            self._show(edge)

    def policy(self, callee: str) -> EdgePolicy:
        """What is in force for calls of `callee` that begin now. Raises KeyError: the topology has no such edge."""
        return self._edges[callee].policy

    def adopt(self, callee: str, policy: EdgePolicy) -> None:
        """Puts `policy` in force for calls that begin from now on; those under way end under what they began with.

        A pattern whose parameters do not change keeps its state: another retry policy closes no breaker.

        Raises:
            KeyError: The topology has no such edge.
        """
        edge = self._edges[callee] = self._edges[callee].succeeded_by(policy)
        self._show(edge)

    async def call(
        self, callee: str, outgoing: Outgoing, parse: Callable[[Reply], Answer], offer: Offer[Answer] | None = None
    ) -> Answer:
        """Sends `outgoing` and parses its answer.

        Raises:
            CallError: The call did not succeed, and no fallback that the edge declares has an answer.
            KeyError: The topology has no such edge.
            ValueError: The edge would send again what must not be sent twice.
        """
        edge = self._edges[callee]
        if edge.repeats and not outgoing.repeatable:
            raise ValueError(
                f"{edge.name} declares retry or hedge, but {outgoing.method} {outgoing.route} is no GET and has no idempotency "
                "key, so that what it does could be done twice: give it a key, or declare `repeatable: false` on the edge"
            )
        is_read = outgoing.method == _READ
        key = _key_of(outgoing) if edge.cache is not None and is_read else ""
        if key and edge.cache and (kept := edge.cache.fresh(key)) is not None:
            self._decided(edge, Verb.CACHED, "fresh", "young enough to be as good as the callee's", names.CACHED)
            return parse(kept)
        sending = Sending(edge, outgoing, self._resolver, self._transport, self._watch)
        try:
            reply = await edge.pipeline.run(sending.attempt, sending.elsewhere if is_read else None)
        except asyncio.CancelledError:
            self._count(edge, names.CANCELLED)  # Its attempts were counted: without it, each would seem to be one too many.
            raise
        except CallError as error:
            return self._instead(edge, key, error, parse, offer)
        self._count(edge, counters.OK)
        return _kept(edge.cache, key, reply, parse) if key and edge.cache else parse(reply)

    def _instead(
        self, edge: Edge, key: str, error: CallError, parse: Callable[[Reply], Answer], offer: Offer[Answer] | None
    ) -> Answer:
        """What the edge's fallback answers, or `error` if it has nothing to say."""
        declared = edge.policy.fallback
        if declared is not None and key and edge.cache and (kept := edge.cache.usable(key)) is not None:
            self._decided(edge, Verb.FALLBACK, declared.kind, error.reason, counters.FALLBACK)
            return parse(replace(kept, degraded=declared.kind))
        if declared is not None and offer is not None and declared.kind is offer.kind:
            self._decided(edge, Verb.FALLBACK, declared.kind, error.reason, counters.FALLBACK)
            return offer.answer(error)
        self._count(edge, error.reason)
        raise error

    def _show(self, edge: Edge) -> None:
        # The relay's calls are unprotected; its edges have the names of those whose patterns the gauges tell of.
        if self._traffic == names.TRAFFIC_FOREGROUND:
            edge_gauges.show(self._metrics, edge.pipeline, edge.balancer)
            counters.begin_edge(self._metrics, edge.name, edge.policy)

    def _decided(self, edge: Edge, verb: Verb, detail: str, reason: str, outcome: str) -> None:
        self._sink.decided(Decision(edge.name, verb, detail, reason))
        self._count(edge, outcome)

    def _count(self, edge: Edge, outcome: str) -> None:
        count = self._counted.get((edge.name, outcome))
        if count is None:
            count = self._metrics.calls.labels(edge.name, outcome, self._traffic).inc
            self._counted[edge.name, outcome] = count
        count()


def _key_of(outgoing: Outgoing) -> str:
    """What an answer is kept under: all of a GET that its callee may answer to, so that nobody gets what is another's."""
    lines = sorted(f"{name.lower()}: {value}" for name, value in outgoing.headers.items())
    return "\n".join((f"{outgoing.method} {outgoing.path}", *lines))


def _kept(cache: AnswerCache, key: str, reply: Reply, parse: Callable[[Reply], Answer]) -> Answer:
    """The answer, kept if it can be read. A refusal cannot, and may end what was kept: there is no such thing any more."""
    if reply.status >= HTTPStatus.BAD_REQUEST:
        cache.keep(key, reply)
        return parse(reply)
    answer = parse(reply)
    cache.keep(key, reply)
    return answer
