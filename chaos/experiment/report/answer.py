"""The answer in plain words: what was done to the system, and what its customers felt in each arm."""

from collections.abc import Sequence

from chaos.experiment.outcomes import Holding, ObjectiveKind, ObjectiveStatus, ProofKind, ProofStatus, Verdict
from chaos.experiment.report.formats import clip, number, percent, seconds, signed_milliseconds
from chaos.experiment.report.marks import arm_label
from chaos.experiment.result import ArmResult, FaultSpan, JourneyResult, ObjectiveResult, Result

MAX_ARMS = 3
"""An answer about more arms than this is no sentence any more; the run's own summary stands in for it."""
MAX_NAMED = 4
"""More journeys than this are counted, not named."""
_WHAT_HAPPENED = {
    "kill": "was dead",
    "pause": "was frozen",
    "hang": "accepted requests and answered none",
    "partition": "was cut off from the network",
    "latency": "answered late",
    "error": "answered with errors",
    "abort": "cut connections",
}


def answer(result: Result) -> tuple[str, ...]:
    """One or two sentences: the fault if it was shown to bite, then the arms in their order."""
    if len(result.arms) > MAX_ARMS:
        return (_fault_sentence(result), clip(result.sentence))
    arms = "; ".join(_arm_clause(arm) for arm in result.arms)
    return (_fault_sentence(result), f"{arms[:1].upper()}{arms[1:]}.") if arms else (_fault_sentence(result),)


def _fault_sentence(result: Result) -> str:
    bitten = [arm.fault for arm in result.arms if arm.fault and arm.proof(ProofKind.FAULT_BIT).status is ProofStatus.PROVEN]
    if not bitten:
        return f"The fault ({clip(result.experiment.fault, 120)}) was not shown to bite."
    return f"{_what_happened(bitten[0])} for {seconds(round(bitten[0].lifted_s - bitten[0].applied_s))}."


def _what_happened(fault: FaultSpan) -> str:
    if fault.kind == "surge":
        return clip(f"A {fault.description}", 200)
    caller, arrow, callee = fault.target.partition("->")
    subject = f"{callee}, as seen by {caller}," if arrow else fault.target
    if "/" in subject:  # One replica, whose name is no word to begin a sentence with.
        subject = f"replica {subject}"
    words = _WHAT_HAPPENED.get(fault.kind, f"was under the fault “{clip(fault.kind, 40)}”")
    return clip(f"{subject[:1].upper()}{subject[1:]} {words}", 200)


def _arm_clause(arm: ArmResult) -> str:
    label = arm_label(arm).lower()
    judged = [journey for journey in arm.journeys if journey.holding is not Holding.NOT_JUDGED]
    match arm.verdict:
        case Verdict.ISOLATED:
            return f"{label}, {_held(judged, arm.objectives)}"
        case Verdict.LEAKED:
            lost = [_loss(journey) for journey in judged if journey.holding is Holding.LEAKED]
            lost += [_missed(each) for each in arm.objectives if each.status is ObjectiveStatus.VIOLATED]
            return f"{label}, {' and '.join(lost[:MAX_NAMED]) or 'the fault leaked'}"
        case Verdict.INCONCLUSIVE:
            return f"{label}, the evidence does not decide"
        case Verdict.INVALID:
            return f"{label}, nothing was shown: the arm is invalid"


def _held(judged: Sequence[JourneyResult], objectives: Sequence[ObjectiveResult]) -> str:
    """What an isolated arm showed: objectives first, since they are what such an experiment is about."""
    said = [_met(objective) for objective in objectives]
    if judged or not said:
        said.append(f"{_names(judged)} went on as before")
    return " and ".join(said)


def _met(objective: ObjectiveResult) -> str:
    measured, subject = objective.measured or 0.0, clip(objective.subject, 60)
    match objective.kind:
        case ObjectiveKind.AMPLIFICATION:
            return f"{number(round(measured, 2))} attempts were sent over {subject} for each call"
        case ObjectiveKind.GOODPUT:
            return f"{number(round(measured, 1))} {subject} journeys a second ended well"
        case ObjectiveKind.RECOVERY:
            return f"everything was back after {seconds(measured)}"


def _missed(objective: ObjectiveResult) -> str:
    if objective.kind is ObjectiveKind.RECOVERY and objective.measured is None:
        return f"not everything was back {seconds(objective.numbers.get('watched_s', 0.0))} after it was over"
    if objective.kind is ObjectiveKind.GOODPUT:
        return f"only {_met(objective)}"
    return _met(objective)


def _loss(journey: JourneyResult) -> str:
    """What a leaked journey lost: successes if it lost any beyond its margin, else time."""
    name, comparison = clip(journey.name, 60), journey.comparison
    if comparison is None or journey.fault.success is None or comparison.drop > comparison.margin:
        failed = 1 - (journey.fault.success or 0.0)
        return f"every {name} journey failed" if failed == 1 else f"{percent(failed)} of {name} journeys failed"
    if comparison.p95_increase_ms is None:
        return f"{name} journeys suffered"
    return f"the p95 of {name} journeys rose by {signed_milliseconds(comparison.p95_increase_ms).removeprefix('+')}"


def _names(journeys: Sequence[JourneyResult]) -> str:
    names = [clip(journey.name, 60) for journey in journeys]
    if not 0 < len(names) <= MAX_NAMED:
        return f"all {len(names)} judged journeys"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
