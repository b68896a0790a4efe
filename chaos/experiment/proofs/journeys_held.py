"""Proof 2: the journeys that may degrade did or did not, every other journey held, and the objectives were met."""

from collections.abc import Iterable, Sequence

from chaos.experiment.outcomes import Holding, ObjectiveStatus, ProofKind, ProofStatus, Role
from chaos.experiment.result import JourneyResult, ObjectiveResult, Proof


def journeys_held(journeys: Iterable[JourneyResult], objectives: Sequence[ObjectiveResult] = ()) -> Proof:
    """Sums up what the comparisons found, and what was measured of the objectives."""
    every = tuple(journeys)
    reached = [objective.status for objective in objectives]
    judged = [journey for journey in every if journey.role is Role.JUDGED]
    by_holding = {holding: [each.name for each in judged if each.holding is holding] for holding in Holding}
    held = len(by_holding[Holding.HELD]) + reached.count(ObjectiveStatus.HELD)
    if by_holding[Holding.LEAKED] or ObjectiveStatus.VIOLATED in reached:
        status = ProofStatus.REFUTED
    elif 0 < held == len(judged) + len(reached):
        status = ProofStatus.PROVEN
    else:
        status = ProofStatus.UNKNOWN
    said = [
        f"{' and '.join(names)} {verb}"
        for holding, verb in ((Holding.LEAKED, "leaked"), (Holding.HELD, "held"), (Holding.UNDECIDED, "undecided"))
        if (names := by_holding[holding])
    ]
    said += [f"{objective.kind} {objective.status}" for objective in objectives]
    said += [_degraded(journey) for journey in every if journey.role is Role.MAY_DEGRADE]
    numbers = {str(holding): float(len(names)) for holding, names in by_holding.items() if holding is not Holding.NOT_JUDGED}
    return Proof(kind=ProofKind.JOURNEYS_HELD, status=status, sentence="; ".join(said), numbers=numbers)


def _degraded(journey: JourneyResult) -> str:
    during = journey.fault
    if not during.journeys:
        return f"{journey.name} did not occur"
    failed = during.journeys - during.succeeded
    return f"{journey.name}: {during.degraded} of {during.journeys} degraded, {failed} failed"
