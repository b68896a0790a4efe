"""Proof 6: no business invariant broke."""

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.outcomes import ProofKind, ProofStatus
from chaos.experiment.result import Proof
from chaos.invariants.catalogue import judge
from chaos.invariants.finding import InvariantFinding
from chaos.invariants.one_courier import one_courier

PLACING_STEP = "place"
"""The load's step that is answered once an order is accepted."""


def invariants_held(evidence: ArmEvidence) -> Proof:
    """Checks the books that were read once the system had time to catch up."""
    if evidence.books is None:
        return Proof(
            kind=ProofKind.INVARIANTS,
            status=ProofStatus.UNKNOWN,
            sentence="the services' books could not be read after the load",
        )
    answered = sum(PLACING_STEP in journey.steps_done for journey in evidence.journeys)
    couriers = one_courier(evidence.books, evidence.outage, answered)
    others = judge(evidence.books)
    broken = {name: finding for name, finding in others.items() if finding.holds is False}
    held = sum(finding.holds is True for finding in others.values())
    status = {True: ProofStatus.PROVEN, False: ProofStatus.REFUTED, None: ProofStatus.UNKNOWN}[couriers.holds]
    return Proof(
        kind=ProofKind.INVARIANTS,
        status=ProofStatus.REFUTED if broken else status,
        sentence=_sentence(couriers, broken, held),
        numbers={**couriers.numbers, "invariants_held": float(held), "invariants_broken": float(len(broken))},
    )


def _sentence(couriers: InvariantFinding, broken: dict[str, InvariantFinding], held: int) -> str:
    """What the outage put at risk first, then the rest."""
    if broken:
        told = [f"{name}: {finding.sentence}" for name, finding in broken.items()]
        return "; ".join([couriers.sentence, *told] if couriers.holds is False else told)
    if couriers.holds is None:
        return couriers.sentence
    return f"{couriers.sentence}; {held} invariants over money, portions, couriers and events hold"
