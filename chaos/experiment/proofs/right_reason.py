"""Proof 3: what held did so because protection worked, not by luck."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.metrics import Mark
from chaos.experiment.model import Reason, ReasonKind
from chaos.experiment.result import Proof, ProofKind, ProofStatus
from observability import names
from services.policy import FallbackKind
from services.topology import split_edge

BREAKER_OPEN = "open"
"""The value of the label `to` of a breaker that opened."""


@dataclass(frozen=True)
class _Found:
    proven: bool | None
    """None: the metrics that would tell are missing."""
    sentence: str
    number: float


def right_reason(evidence: ArmEvidence, reasons: Sequence[Reason]) -> Proof:
    """Looks for every declared reason in the metrics of its edge's caller."""
    if not reasons:
        sentence = "the experiment names no reason to look for in this arm"
        return Proof(kind=ProofKind.RIGHT_REASON, status=ProofStatus.NOT_EVALUATED, sentence=sentence)
    found = {f"{reason.reason} {reason.edge}": _LOOKS[reason.reason](evidence, reason.edge) for reason in reasons}
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


def _breaker_opened(evidence: ArmEvidence, edge: str) -> _Found:
    labels = {names.LABEL_EDGE: edge, names.LABEL_TO: BREAKER_OPEN}
    times = _growth(evidence, names.RESILIENCE_BREAKER_TRANSITIONS, labels, edge, Mark.FAULT_END)
    if times is None:
        return _missing(edge)
    return _Found(times > 0, f"the breaker of {edge} {f'opened {times:.0f} times' if times else 'never opened'}", times)


def _fallback_served(evidence: ArmEvidence, edge: str) -> _Found:
    served = _growth(evidence, names.RESILIENCE_FALLBACKS, {names.LABEL_EDGE: edge}, edge, Mark.FAULT_END)
    if served is None:
        return _missing(edge)
    return _Found(served > 0, f"{edge} served {f'{served:.0f} fallbacks' if served else 'no fallback'}", served)


def _caught_up(evidence: ArmEvidence, edge: str) -> _Found:
    """Everything deferred was delivered to the callee later. That each order got its courier is the invariant's to say."""
    labels = {names.LABEL_EDGE: edge, names.LABEL_KIND: str(FallbackKind.DEFER)}
    deferred = _growth(evidence, names.RESILIENCE_FALLBACKS, labels, edge, Mark.SETTLED)
    caller = split_edge(edge)[0]
    if deferred is None:
        return _missing(edge)
    if deferred == 0:
        return _Found(proven=False, sentence=f"{edge} deferred nothing, so there was nothing to catch up with", number=0.0)
    delivered = _delivered(evidence, edge)
    if delivered < deferred:
        sentence = f"{caller} has not caught up: {delivered:.0f} of {deferred:.0f} that were deferred are delivered"
        return _Found(proven=False, sentence=sentence, number=delivered)
    return _Found(proven=True, sentence=f"{caller} caught up with all {deferred:.0f} that were deferred", number=deferred)


def _delivered(evidence: ArmEvidence, edge: str) -> float:
    """Events that arrived at the edge's callee: it gets none but those of what was deferred."""
    caller, callee = split_edge(edge)
    labels = {names.LABEL_DESTINATION: callee}
    return evidence.metrics.growth(names.OUTBOX_SENT, labels, caller, Mark.FAULT_START, Mark.SETTLED)


_LOOKS = {
    ReasonKind.BREAKER_OPENED: _breaker_opened,
    ReasonKind.FALLBACK_SERVED: _fallback_served,
    ReasonKind.CAUGHT_UP: _caught_up,
}


def _growth(evidence: ArmEvidence, name: str, labels: dict[str, str], edge: str, until: Mark) -> float | None:
    """Growth since the fault began; None when no process of the caller was read at one of the marks."""
    caller = split_edge(edge)[0]
    for mark in (Mark.FAULT_START, until):
        if not any(each.rpartition("/")[0] == caller for each in evidence.metrics.marks.get(mark, {})):
            return None
    return evidence.metrics.growth(name, labels, caller, Mark.FAULT_START, until)


def _missing(edge: str) -> _Found:
    return _Found(proven=None, sentence=f"the metrics of {split_edge(edge)[0]} could not be read", number=0.0)
