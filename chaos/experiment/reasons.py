"""Why an arm may hold: what must then have happened on an edge, and what must be in force for it to happen."""

from enum import StrEnum

from chaos.experiment.in_force import InForce
from services.document import Frozen
from services.policy import FallbackKind
from services.topology import split_edge


class ReasonKind(StrEnum):
    """What must have happened for an arm to have held for the right reason."""

    BREAKER_OPENED = "breaker_opened"
    FALLBACK_SERVED = "fallback_served"
    CAUGHT_UP = "caught_up"
    BULKHEAD_REJECTED = "bulkhead_rejected"
    RETRIED = "retried"
    BUDGET_DENIED = "budget_denied"
    EJECTED = "ejected"
    HEDGED = "hedged"
    THROTTLED = "throttled"
    SHED = "shed"


class Reason(Frozen):
    """One thing to find in the metrics of the edge's caller or, for what is shed, of its callee."""

    reason: ReasonKind
    edge: str


def lacking(reason: Reason, arm: InForce) -> str | None:
    """What is not in force, so that `reason` could never be seen; None when it could. The edge has to exist."""
    edge, callee = reason.edge, split_edge(reason.edge)[1]
    policy, limit = arm.policy(edge), arm.limit(callee)
    deferring = policy.fallback is not None and policy.fallback.kind is FallbackKind.DEFER
    needed = {
        ReasonKind.BREAKER_OPENED: (policy.breaker, f"breaker on {edge}"),
        ReasonKind.FALLBACK_SERVED: (policy.fallback, f"fallback on {edge}"),
        ReasonKind.CAUGHT_UP: (deferring, f"fallback of kind defer on {edge}"),
        ReasonKind.BULKHEAD_REJECTED: (policy.bulkhead, f"bulkhead on {edge}"),
        ReasonKind.RETRIED: (policy.retry, f"retry on {edge}"),
        ReasonKind.BUDGET_DENIED: (policy.budget, f"budget on {edge}"),
        ReasonKind.EJECTED: (policy.outlier_ejection, f"outlier_ejection on {edge}"),
        ReasonKind.HEDGED: (policy.hedge, f"hedge on {edge}"),
        ReasonKind.THROTTLED: (policy.throttle, f"throttle on {edge}"),
        ReasonKind.SHED: (limit, f"limit of {callee}"),
    }
    in_force, name = needed[reason.reason]
    return None if in_force else name
