"""Marks: a word, a shape and a tone for every outcome, so that no meaning rests on colour alone."""

from dataclasses import dataclass
from typing import Literal

from chaos.experiment.outcomes import Holding, ObjectiveStatus, ProofStatus, Role, Verdict
from chaos.experiment.result import ArmResult

Tone = Literal["good", "bad", "unsure", "off"]
Icon = Literal["check", "cross", "question", "dash", "void"]


@dataclass(frozen=True)
class Mark:
    """One outcome. `icon` names a symbol of the page's sprite, `tone` a class of its style sheet."""

    label: str
    icon: Icon
    tone: Tone


VERDICTS = {
    Verdict.ISOLATED: Mark("ISOLATED", "check", "good"),
    Verdict.LEAKED: Mark("LEAKED", "cross", "bad"),
    Verdict.INCONCLUSIVE: Mark("INCONCLUSIVE", "question", "unsure"),
    Verdict.INVALID: Mark("INVALID", "void", "off"),
}
PROOFS = {
    ProofStatus.PROVEN: Mark("proven", "check", "good"),
    ProofStatus.REFUTED: Mark("refuted", "cross", "bad"),
    ProofStatus.UNKNOWN: Mark("not proven", "question", "unsure"),
    ProofStatus.NOT_EVALUATED: Mark("not evaluated", "dash", "off"),
}
_HOLDINGS = {
    Holding.HELD: Mark("held", "check", "good"),
    Holding.LEAKED: Mark("leaked", "cross", "bad"),
    Holding.UNDECIDED: Mark("undecided", "question", "unsure"),
    Holding.NOT_JUDGED: Mark("not judged", "dash", "off"),
}
OBJECTIVES = {
    ObjectiveStatus.HELD: Mark("held", "check", "good"),
    ObjectiveStatus.VIOLATED: Mark("violated", "cross", "bad"),
    ObjectiveStatus.UNDECIDED: Mark("undecided", "question", "unsure"),
}
_ROLES = {Role.MAY_DEGRADE: Mark("may degrade", "dash", "off"), Role.WATCHED: Mark("too rare to judge", "dash", "off")}


def holding_mark(holding: Holding, role: Role) -> Mark:
    """What to say of a journey; one that is not judged says why."""
    if holding is Holding.NOT_JUDGED:
        return _ROLES.get(role, _HOLDINGS[holding])
    return _HOLDINGS[holding]


def passed_mark(*, passed: bool) -> Mark:
    """The experiment as a whole."""
    return Mark("Passed", "check", "good") if passed else Mark("Not passed", "cross", "bad")


def met_mark(*, met: bool) -> Mark:
    """Whether an arm showed what was expected of it."""
    return Mark("as expected", "check", "good") if met else Mark("not as expected", "cross", "bad")


def arm_label(arm: ArmResult) -> str:
    """What people call an arm: `Protected` and `Unprotected` for what is as declared and for nothing, else by its name."""
    if arm.changes or arm.without or arm.profile == "timeouts_only":
        words = arm.name.replace("_", " ").replace("-", " ")
        return f"{words[:1].upper()}{words[1:]}"
    return "Unprotected" if arm.profile == "none" else "Protected"
