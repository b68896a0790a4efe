"""Proof 6: no business invariant broke."""

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.result import Proof, ProofKind, ProofStatus
from chaos.invariants.one_courier import one_courier

PLACING_STEP = "place"
"""The load's step that is answered once an order is accepted."""


def invariants_held(evidence: ArmEvidence) -> Proof:
    """Checks the books that were read once the system had time to catch up."""
    if evidence.audit is None:
        return Proof(
            kind=ProofKind.INVARIANTS,
            status=ProofStatus.UNKNOWN,
            sentence="the books of orders and deliveries could not be read after the load",
        )
    answered = sum(PLACING_STEP in journey.steps_done for journey in evidence.journeys)
    finding = one_courier(evidence.audit, evidence.outage, answered)
    status = {True: ProofStatus.PROVEN, False: ProofStatus.REFUTED, None: ProofStatus.UNKNOWN}[finding.holds]
    return Proof(kind=ProofKind.INVARIANTS, status=status, sentence=finding.sentence, numbers=finding.numbers)
