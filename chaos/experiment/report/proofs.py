"""The six proofs, arms side by side, and the verdict that follows from them."""

from dataclasses import dataclass

from chaos.experiment.outcomes import ProofKind
from chaos.experiment.report.formats import clip, labelled_number
from chaos.experiment.report.marks import PROOFS, VERDICTS, Mark, arm_label, met_mark
from chaos.experiment.result import ArmResult, Proof, Result

MAX_NUMBERS = 16
MAX_REASONS = 8
_QUESTIONS = {
    ProofKind.FAULT_BIT: ("The fault bit", "where and as strongly as asked"),
    ProofKind.JOURNEYS_HELD: ("The other journeys held", "against a baseline of the same load; objectives were met"),
    ProofKind.RIGHT_REASON: ("For the right reason", "a pattern did its part: opened, rejected, shed, fell back"),
    ProofKind.ALERTS: ("The alert fired", "soon, and no other did"),
    ProofKind.RECOVERY: ("It recovered", "after the fault was lifted"),
    ProofKind.INVARIANTS: ("No business invariant broke", "read over the APIs of the services"),
}


@dataclass(frozen=True)
class VerdictCard:
    """One arm's verdict beside what was expected of it."""

    arm: str
    name: str
    verdict: Mark
    expected: str
    met: Mark
    reasons: tuple[str, ...]
    left_out: int


@dataclass(frozen=True)
class ProofCell:
    """What one arm showed of one proof."""

    mark: Mark
    sentence: str
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ProofRow:
    """One proof in every arm, in the arms' order."""

    place: int
    title: str
    hint: str
    cells: tuple[ProofCell, ...]


def verdict_cards(result: Result) -> tuple[VerdictCard, ...]:
    """One card an arm."""
    return tuple(_card(arm) for arm in result.arms)


def proof_rows(result: Result) -> tuple[ProofRow, ...]:
    """All six, in the order in which they are told."""
    return tuple(
        ProofRow(place, *_QUESTIONS[kind], tuple(_cell(arm.proof(kind)) for arm in result.arms))
        for place, kind in enumerate(ProofKind, start=1)
    )


def _card(arm: ArmResult) -> VerdictCard:
    return VerdictCard(
        arm=arm_label(arm),
        name=clip(arm.name, 40),
        verdict=VERDICTS[arm.verdict],
        expected=str(arm.expected),
        met=met_mark(met=arm.met),
        reasons=tuple(clip(reason) for reason in arm.reasons[:MAX_REASONS]),
        left_out=max(len(arm.reasons) - MAX_REASONS, 0),
    )


def _cell(proof: Proof) -> ProofCell:
    numbers = list(proof.numbers.items())[:MAX_NUMBERS]
    return ProofCell(
        mark=PROOFS[proof.status],
        sentence=clip(proof.sentence),
        numbers=tuple((clip(label, 60), text) for label, text in (labelled_number(name, value) for name, value in numbers)),
    )
