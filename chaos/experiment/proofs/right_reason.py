"""Proof 3: what held did so because protection worked, not by luck."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.metrics import Mark
from chaos.experiment.outcomes import ProofKind, ProofStatus
from chaos.experiment.reasons import Reason, ReasonKind
from chaos.experiment.result import Proof
from observability import names
from services.policy import FallbackKind, Pattern
from services.topology import Topology, split_edge

BREAKER_OPEN = "open"
"""The value of the label `to` of a breaker that opened."""
HEDGE_WON = "won"
"""The value of the label `outcome` of a hedge whose answer was the call's."""
GRANTED = "granted"
"""The value of the label `decision` of a retry that was sent."""
HANDLED = "handled"
"""The value of the label `outcome` of an event that an inbox has handled."""


@dataclass(frozen=True)
class _Found:
    proven: bool | None
    """None: the metrics that would tell are missing."""
    sentence: str
    number: float


def right_reason(evidence: ArmEvidence, reasons: Sequence[Reason], topology: Topology) -> Proof:
    """Looks for every declared reason in the metrics of its edge's caller or callee."""
    if not reasons:
        sentence = "the experiment names no reason to look for in this arm"
        return Proof(kind=ProofKind.RIGHT_REASON, status=ProofStatus.NOT_EVALUATED, sentence=sentence)
    found = {f"{reason.reason} {reason.edge}": _look(evidence, reason, topology) for reason in reasons}
    if any(each.proven is False for each in found.values()):
        status = ProofStatus.REFUTED
    elif any(each.proven is None for each in found.values()):
        status = ProofStatus.UNKNOWN
    else:
        status = ProofStatus.PROVEN
    return Proof(
        kind=ProofKind.RIGHT_REASON,
        status=status,
        sentence="; ".join(each.sentence for each in found.values()),
        numbers={name: each.number for name, each in found.items()},
    )


def _look(evidence: ArmEvidence, reason: Reason, topology: Topology) -> _Found:
    edge = reason.edge
    if reason.reason is ReasonKind.CAUGHT_UP:
        return _caught_up(evidence, edge, topology)
    return _LOOKS[reason.reason](evidence, edge)


def _breaker_opened(evidence: ArmEvidence, edge: str) -> _Found:
    labels = {names.LABEL_EDGE: edge, names.LABEL_TO: BREAKER_OPEN}
    times = _growth(evidence, names.RESILIENCE_BREAKER_TRANSITIONS, labels, edge, Mark.FAULT_END)
    if times is None:
        return _missing(split_edge(edge)[0])
    return _Found(times > 0, f"the breaker of {edge} {f'opened {times:.0f} times' if times else 'never opened'}", times)


def _fallback_served(evidence: ArmEvidence, edge: str) -> _Found:
    served = _growth(evidence, names.RESILIENCE_FALLBACKS, {names.LABEL_EDGE: edge}, edge, Mark.FAULT_END)
    if served is None:
        return _missing(split_edge(edge)[0])
    return _Found(served > 0, f"{edge} served {f'{served:.0f} fallbacks' if served else 'no fallback'}", served)


def _bulkhead_rejected(evidence: ArmEvidence, edge: str) -> _Found:
    return _counted(
        evidence,
        edge,
        names.RESILIENCE_REJECTIONS,
        {names.LABEL_PATTERN: str(Pattern.BULKHEAD)},
        "calls found no place in the bulkhead",
    )


def _throttled(evidence: ArmEvidence, edge: str) -> _Found:
    return _counted(
        evidence, edge, names.RESILIENCE_REJECTIONS, {names.LABEL_PATTERN: str(Pattern.THROTTLE)}, "calls were throttled"
    )


def _retried(evidence: ArmEvidence, edge: str) -> _Found:
    return _counted(evidence, edge, names.RESILIENCE_RETRIES, {names.LABEL_DECISION: GRANTED}, "attempts were made again")


def _budget_denied(evidence: ArmEvidence, edge: str) -> _Found:
    return _counted(
        evidence, edge, names.RESILIENCE_RETRIES, {names.LABEL_DECISION: str(Pattern.BUDGET)}, "retries were denied by the budget"
    )


def _ejected(evidence: ArmEvidence, edge: str) -> _Found:
    return _counted(evidence, edge, names.RESILIENCE_EJECTIONS, {}, "times a replica was ejected")


def _hedged(evidence: ArmEvidence, edge: str) -> _Found:
    return _counted(evidence, edge, names.RESILIENCE_HEDGES, {names.LABEL_OUTCOME: HEDGE_WON}, "hedges were answered first")


def _counted(evidence: ArmEvidence, edge: str, name: str, labels: dict[str, str], what: str) -> _Found:
    times = _growth(evidence, name, {names.LABEL_EDGE: edge} | labels, edge, Mark.FAULT_END)
    if times is None:
        return _missing(split_edge(edge)[0])
    return _Found(times > 0, f"{edge}: {f'{times:.0f}' if times else 'no'} {what}", times)


def _shed(evidence: ArmEvidence, edge: str) -> _Found:
    """The callee knows what it shed, whoever called; the edge says whose callee is meant."""
    callee = split_edge(edge)[1]
    if not (_was_read(evidence, callee, Mark.FAULT_START) and _was_read(evidence, callee, Mark.FAULT_END)):
        return _missing(callee)
    shed = evidence.metrics.growth(names.RESILIENCE_SHED, {}, callee, Mark.FAULT_START, Mark.FAULT_END)
    return _Found(shed > 0, f"{callee} shed {f'{shed:.0f} requests' if shed else 'no request'}", shed)


def _caught_up(evidence: ArmEvidence, edge: str, topology: Topology) -> _Found:
    """Everything deferred was delivered to the callee later. That each order got its courier is the invariant's to say."""
    labels = {names.LABEL_EDGE: edge, names.LABEL_KIND: str(FallbackKind.DEFER)}
    deferred = _growth(evidence, names.RESILIENCE_FALLBACKS, labels, edge, Mark.SETTLED)
    caller, callee = split_edge(edge)
    if deferred is None or not _was_read(evidence, callee, Mark.SETTLED):
        return _missing(caller if deferred is None else callee)
    if deferred == 0:
        return _Found(proven=False, sentence=f"{edge} deferred nothing, so there was nothing to catch up with", number=0.0)
    handled = _handled(evidence, caller, callee, topology)
    if handled < deferred:
        sentence = f"{caller} has not caught up: {callee} handled {handled:.0f} of {deferred:.0f} that were deferred"
        return _Found(proven=False, sentence=sentence, number=handled)
    return _Found(proven=True, sentence=f"{caller} caught up with all {deferred:.0f} that were deferred", number=deferred)


def _handled(evidence: ArmEvidence, caller: str, callee: str, topology: Topology) -> float:
    """Events of the caller that the callee handled: it gets none but those of what was deferred.

    Read at the callee, because a caller that publishes to a broker does not know who has read what.
    """
    kinds = [kind for kind, route in topology.events.items() if route.producer == caller and callee in route.consumers]
    return sum(
        evidence.metrics.growth(
            names.INBOX_EVENTS, {names.LABEL_EVENT: kind, names.LABEL_OUTCOME: HANDLED}, callee, Mark.FAULT_START, Mark.SETTLED
        )
        for kind in kinds
    )


_LOOKS = {
    ReasonKind.BREAKER_OPENED: _breaker_opened,
    ReasonKind.FALLBACK_SERVED: _fallback_served,
    ReasonKind.BULKHEAD_REJECTED: _bulkhead_rejected,
    ReasonKind.RETRIED: _retried,
    ReasonKind.BUDGET_DENIED: _budget_denied,
    ReasonKind.EJECTED: _ejected,
    ReasonKind.HEDGED: _hedged,
    ReasonKind.THROTTLED: _throttled,
    ReasonKind.SHED: _shed,
}


def _growth(evidence: ArmEvidence, name: str, labels: dict[str, str], edge: str, until: Mark) -> float | None:
    """Growth since the fault began; None when no process of the caller was read at one of the marks."""
    caller = split_edge(edge)[0]
    if not (_was_read(evidence, caller, Mark.FAULT_START) and _was_read(evidence, caller, until)):
        return None
    return evidence.metrics.growth(name, labels, caller, Mark.FAULT_START, until)


def _was_read(evidence: ArmEvidence, service: str, mark: Mark) -> bool:
    return bool(evidence.metrics.instances(service, mark))


def _missing(service: str) -> _Found:
    return _Found(proven=None, sentence=f"the metrics of {service} could not be read", number=0.0)
