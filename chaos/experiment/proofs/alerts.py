"""Proof 4: the alert fired, how soon, and no other did."""

from chaos.experiment.outcomes import ProofKind, ProofStatus
from chaos.experiment.result import Proof


def alerts() -> Proof:
    """Not evaluated: no alert rules are running beside an experiment's system."""
    return Proof(kind=ProofKind.ALERTS, status=ProofStatus.NOT_EVALUATED, sentence="not evaluated: no alert rules are running")
