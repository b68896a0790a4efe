"""Everything that the page shows, frozen: the template only loops over it."""

from dataclasses import dataclass
from pathlib import Path

from chaos.experiment.outcomes import ProofKind
from chaos.experiment.pace import pace_sentence
from chaos.experiment.report.alerts import Alerts, alerts
from chaos.experiment.report.answer import answer
from chaos.experiment.report.facts import Facts, facts
from chaos.experiment.report.formats import clip, moment, seconds
from chaos.experiment.report.journeys import JourneyTable, journey_table
from chaos.experiment.report.live import LiveArm, live_arms
from chaos.experiment.report.marks import Mark, passed_mark
from chaos.experiment.report.objectives import ObjectiveRow, objective_rows
from chaos.experiment.report.proofs import ProofRow, VerdictCard, proof_rows, verdict_cards
from chaos.experiment.report.protection import Protection, protection
from chaos.experiment.report.timeline import Timeline, timeline
from chaos.experiment.report.waterfall import Waterfall, arm_waterfall
from chaos.experiment.result import Result

MAX_ARMS = 8


@dataclass(frozen=True)
class Page:
    """One report."""

    title: str
    experiment: str
    hypothesis: str
    description: str
    when: str
    pace: str
    answer: tuple[str, ...]
    passed: Mark
    outcome: str
    cards: tuple[VerdictCard, ...]
    objectives: tuple[ObjectiveRow, ...]
    journeys: JourneyTable
    alerts: Alerts
    timeline: Timeline
    proofs: tuple[ProofRow, ...]
    live: tuple[LiveArm, ...]
    traces: tuple[Waterfall, ...]
    invariants: ProofRow
    protection: Protection
    facts: Facts


def page(result: Result, run_folder: Path) -> Page:
    """The page of `result`; of the run's folder, the arms' traces and the topology are read."""
    shown = result.model_copy(update={"arms": result.arms[:MAX_ARMS]})
    proofs = proof_rows(shown)
    return Page(
        title=clip(result.experiment.title, 160),
        experiment=clip(result.experiment.name, 60),
        hypothesis=clip(result.experiment.hypothesis, 1_000),
        description=clip(result.experiment.description, 5_000),
        when=f"{moment(result.started_at)}, {seconds(result.took_s)}",
        pace=pace_sentence(result.experiment.pace, result.experiment.rehearsal),
        answer=answer(shown),
        passed=passed_mark(passed=result.passed),
        outcome=clip(result.sentence),
        cards=verdict_cards(shown),
        objectives=objective_rows(shown),
        journeys=journey_table(shown),
        alerts=alerts(shown),
        timeline=timeline(shown),
        proofs=proofs,
        live=live_arms(shown.arms),
        traces=tuple(arm_waterfall(arm, run_folder) for arm in shown.arms),
        invariants=proofs[list(ProofKind).index(ProofKind.INVARIANTS)],
        protection=protection(shown, run_folder),
        facts=facts(shown, run_folder),
    )
