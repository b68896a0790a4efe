"""Counters that stand at zero before anything has happened.

To PromQL's `rate`, one that appears together with its first event has had none.
"""

from collections.abc import Callable, Iterable

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from chaos.faults import KINDS
from observability import names
from observability.metrics import Metrics
from observability.server_span import is_of_platform
from services.kit.errors import Reason
from services.kit.events.inbox import DUPLICATE
from services.kit.events.inbox_rows import InboxState
from services.kit.resilience import breaker
from services.kit.resilience.hedge import DENIED, LOST, SENT, WON
from services.policy import EdgePolicy, Pattern
from services.topology import Topology

OK, FALLBACK = "ok", "fallback"
"""Outcomes of calls beside the reasons for which they fail."""
GRANTED = "granted"
"""What is decided about a retry, beside what denies it."""
_DENIALS = ("max_attempts", "deadline", "retry_after")
_NEED = {
    Reason.THROTTLED: Pattern.THROTTLE,
    Reason.BULKHEAD_FULL: Pattern.BULKHEAD,
    Reason.BREAKER_OPEN: Pattern.BREAKER,
}
"""Reasons that only a pattern has; any edge may meet the others."""


def begin_edge(metrics: Metrics, edge: str, policy: EdgePolicy) -> None:
    """What the calls of an edge, that somebody waits for, may come to under its policy."""
    rejecting = [pattern for pattern in _NEED.values() if getattr(policy, pattern) is not None]
    outcomes = [OK, names.CANCELLED, *(reason for reason in Reason if reason not in _NEED or _NEED[reason] in rejecting)]
    if policy.fallback is not None:
        outcomes += [FALLBACK, names.CACHED] if policy.fallback.kind.keeps_answers else [FALLBACK]
        metrics.fallbacks.labels(edge, policy.fallback.kind)
    for outcome in outcomes:
        metrics.calls.labels(edge, outcome, names.TRAFFIC_FOREGROUND)
    for pattern in rejecting:
        metrics.rejections.labels(edge, pattern)
    if policy.breaker is not None:
        for state in (breaker.CLOSED, breaker.HALF_OPEN, breaker.OPEN):
            metrics.breaker_transitions.labels(edge, state)
    if policy.retry is not None:
        for decision in (GRANTED, *_DENIALS, *([Pattern.BUDGET] if policy.budget else [])):
            metrics.retries.labels(edge, decision)
    if policy.hedge is not None:
        for outcome in (SENT, WON, LOST, DENIED):
            metrics.hedges.labels(edge, outcome)


def begin_service(metrics: Metrics, service: str, topology: Topology) -> None:
    """What may be injected into a service, and which replicas its edges may leave out."""
    edges = {f"{service}->{callee}": callee for callee in topology.callees(service)}
    for kind in KINDS:
        for place in (service, *edges):
            metrics.injections.labels(kind.model_fields["kind"].default, place)
    for edge, callee in edges.items():
        for number in range(1, topology.services[callee].replicas + 1):
            metrics.ejections.labels(edge, f"{callee}/{number}")


def begin_routes(metrics: Metrics, routes: Iterable[BaseRoute]) -> None:
    """What callers may leave before it is answered."""
    for route in routes:
        if isinstance(route, APIRoute) and not is_of_platform(route.path):
            metrics.abandoned.labels(route.path)


def begin_events(metrics: Metrics, service: str, topology: Topology, destinations: Callable[[str], Iterable[str]]) -> None:
    """What may become of the events that a service takes, and of those that it publishes to the `destinations` of their kind."""
    for kind, route in topology.events.items():
        if route.producer == service:
            for destination in destinations(kind):
                metrics.outbox_sent.labels(kind, destination)
                metrics.outbox_failed.labels(kind, destination)
        if service in route.consumers:
            for outcome in (InboxState.HANDLED, DUPLICATE, InboxState.FAILED, InboxState.DEAD):
                metrics.inbox_events.labels(kind, outcome)
