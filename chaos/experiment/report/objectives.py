"""The objectives, arms side by side: what was measured against what is allowed."""

from dataclasses import dataclass

from chaos.experiment.outcomes import ObjectiveKind, ObjectiveStatus
from chaos.experiment.report.formats import NBSP, NOTHING, clip, confidence, labelled_number, number, seconds
from chaos.experiment.report.marks import OBJECTIVES, Mark
from chaos.experiment.result import ArmResult, ObjectiveResult, Result

_TITLES = {
    ObjectiveKind.AMPLIFICATION: "Attempts for each call",
    ObjectiveKind.GOODPUT: "Journeys that ended well",
    ObjectiveKind.RECOVERY: "Time to recover",
}


@dataclass(frozen=True)
class ObjectiveCell:
    """What one arm showed of one objective."""

    mark: Mark
    measured: str
    interval: str
    sentence: str
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ObjectiveRow:
    """One objective in every arm, in the arms' order; None where an arm did not have it."""

    title: str
    subject: str
    bound: str
    cells: tuple[ObjectiveCell | None, ...]


def objective_rows(result: Result) -> tuple[ObjectiveRow, ...]:
    """Every objective that the experiment states."""
    stated = {objective.kind: objective for arm in result.arms for objective in arm.objectives}
    return tuple(
        ObjectiveRow(_TITLES[kind], clip(one.subject, 60), _bound(one), tuple(_cell(arm, kind) for arm in result.arms))
        for kind, one in stated.items()
    )


def _cell(arm: ArmResult, kind: ObjectiveKind) -> ObjectiveCell | None:
    found = next((objective for objective in arm.objectives if objective.kind is kind), None)
    if found is None:
        return None
    interval = found.interval
    between = f"{_value(kind, interval.low)} to {_value(kind, interval.high)} ({confidence(interval)})" if interval else ""
    return ObjectiveCell(
        mark=OBJECTIVES[found.status],
        measured=_measured(found),
        interval=between,
        sentence=clip(found.sentence),
        numbers=tuple(labelled_number(name, value) for name, value in found.numbers.items()),
    )


def _measured(objective: ObjectiveResult) -> str:
    if objective.measured is not None:
        return _value(objective.kind, objective.measured)
    never = objective.kind is ObjectiveKind.RECOVERY and objective.status is ObjectiveStatus.VIOLATED
    return "not back" if never else NOTHING


def _bound(objective: ObjectiveResult) -> str:
    direction = "at least" if objective.kind is ObjectiveKind.GOODPUT else "at most"
    return f"{direction} {_value(objective.kind, objective.bound)}"


def _value(kind: ObjectiveKind, value: float) -> str:
    if kind is ObjectiveKind.RECOVERY:
        return seconds(value)
    if kind is ObjectiveKind.GOODPUT:
        return f"{number(round(value, 1))}{NBSP}/s"
    return number(round(value, 2))
