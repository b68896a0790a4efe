"""Objectives: what is measured of each, and when that is enough to call it held or violated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from chaos.experiment.measuring import amplification, goodput, most_attempts, recovery_time
from chaos.experiment.metrics import Mark, MetricsRecord, Samples
from chaos.experiment.objectives import Amplification, Goodput, Objectives, RecoveryTime
from chaos.experiment.observer import Unobserved
from chaos.experiment.outcomes import ObjectiveKind, ObjectiveStatus, ProofKind, ProofStatus, Verdict
from chaos.experiment.report.answer import answer
from chaos.experiment.result import JourneyResult, ObjectiveResult, Recovery
from chaos.experiment.runner import RunOptions, run_experiment
from chaos.experiment.session import run_and_show
from chaos.experiment.verdict import decide
from chaos.experiment.windows import Window
from services.document import DocumentError
from services.policy import UNPROTECTED, EdgePolicy
from tests.chaos.experiment.scenarios import Fate, degrading

if TYPE_CHECKING:
    from random import Random

    from rich.console import Console

    from chaos.experiment.evidence import ArmEvidence
    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.fake_world import FakeWorld
    from tests.chaos.experiment.scenarios import Scenario

EDGE = "orders->payments"
FOUR = EdgePolicy.model_validate({"retry": {"max_attempts": 4}, "budget": {}})


def counted(attempts: float, calls: float, refused: float = 0.0, cached: float = 0.0) -> MetricsRecord:
    """What orders counted between the fault's first and last moment; the relay's calls over the edge beside it."""

    def text(share: float) -> str:
        return (
            "# TYPE http_client_request_duration_seconds histogram\n"
            f'http_client_request_duration_seconds_count{{edge="{EDGE}",traffic="foreground"}} {70 + share * attempts}\n'
            f'http_client_request_duration_seconds_count{{edge="{EDGE}",traffic="background"}} {share * 9_999}\n'
            "# TYPE resilience_calls counter\n"
            f'resilience_calls_total{{edge="{EDGE}",outcome="ok",traffic="foreground"}} {70 + share * (calls - cached)}\n'
            f'resilience_calls_total{{edge="{EDGE}",outcome="cached",traffic="foreground"}} {share * cached}\n'
            f'resilience_calls_total{{edge="{EDGE}",outcome="ok",traffic="background"}} {share * 5_555}\n'
            "# TYPE resilience_rejections counter\n"
            f'resilience_rejections_total{{edge="{EDGE}",pattern="breaker"}} {share * refused}\n'
        )

    marks = {Mark.FAULT_BEGUN: 0.0, Mark.FAULT_END: 1.0}
    return MetricsRecord({mark: {"orders/1": Samples.parse(text(share))} for mark, share in marks.items()})


@pytest.fixture
def evidence(bench: Bench, protected: Scenario) -> ArmEvidence:
    return bench.evidence(protected)


@pytest.mark.parametrize(
    ("attempts", "calls", "refused", "status"),
    [
        (510, 500, 0, ObjectiveStatus.HELD),
        (1_475, 500, 0, ObjectiveStatus.VIOLATED),
        (60, 500, 450, ObjectiveStatus.HELD),
        (595, 500, 0, ObjectiveStatus.UNDECIDED),
        (20, 20, 0, ObjectiveStatus.UNDECIDED),
        (0, 0, 0, ObjectiveStatus.UNDECIDED),
    ],
)
def test_amplification_is_attempts_a_call_of_those_that_somebody_waits_for(
    evidence: ArmEvidence, attempts: float, calls: float, refused: float, status: ObjectiveStatus
) -> None:
    measured = amplification(
        Amplification(edge=EDGE, max=1.2), replace(evidence, metrics=counted(attempts, calls, refused)), FOUR
    )
    assert measured.decided(measured.violation_p).status is status
    assert measured.numbers["attempts"] == attempts
    assert measured.numbers["calls"] == calls


def test_calls_that_a_cache_answered_have_no_attempt_and_make_the_rest_spread_wider(evidence: ArmEvidence) -> None:
    wanted = Amplification(edge=EDGE, max=1.2)
    found = [amplification(wanted, replace(evidence, metrics=counted(560, 500, cached=cached)), FOUR) for cached in (0, 300)]
    assert [each.decided(each.violation_p).status for each in found] == [ObjectiveStatus.HELD, ObjectiveStatus.UNDECIDED]


@pytest.mark.parametrize(("attempts", "status"), [(501, ObjectiveStatus.UNDECIDED), (1_000, ObjectiveStatus.VIOLATED)])
def test_one_attempt_that_began_before_the_window_is_no_proof_against_an_edge_that_sends_once(
    evidence: ArmEvidence, attempts: float, status: ObjectiveStatus
) -> None:
    measured = amplification(Amplification(edge=EDGE, max=1), replace(evidence, metrics=counted(attempts, 500)), UNPROTECTED)
    assert measured.decided(measured.violation_p).status is status


@pytest.mark.parametrize("silent_at", [Mark.FAULT_BEGUN, Mark.FAULT_END])
def test_a_caller_that_was_not_read_at_an_end_of_the_window_leaves_amplification_undecided(
    evidence: ArmEvidence, silent_at: Mark
) -> None:
    both = counted(510, 500).marks
    marks = {
        mark: dict(samples) | ({} if mark is silent_at else {"orders/2": samples["orders/1"]}) for mark, samples in both.items()
    }
    metrics = MetricsRecord(marks)
    measured = amplification(Amplification(edge=EDGE, max=1.2), replace(evidence, metrics=metrics), FOUR)
    assert measured.decided(measured.violation_p).status is ObjectiveStatus.UNDECIDED
    assert measured.said == "the metrics of orders/2 could not be read at both ends of the fault window"


def test_a_record_without_a_journey_makes_no_call_worth_less(evidence: ArmEvidence) -> None:
    measured = amplification(Amplification(edge=EDGE, max=1.2), replace(evidence, metrics=counted(510, 500), journeys=()), FOUR)
    assert measured.numbers["design_effect"] == 1


def test_journeys_that_share_their_fate_make_the_same_calls_worth_less(
    bench: Bench, protected: Scenario, evidence: ArmEvidence
) -> None:
    def in_turns(name: str, instant_s: float, random: Random) -> Fate:
        hit = name == "order" and 25 <= instant_s < 45 and int(instant_s) % 2 and random.random() < 0.4
        return replace(degrading(name, instant_s, random), ok=not hit)

    wanted, metrics = Amplification(edge=EDGE, max=1.2), counted(1_475, 500)
    alone = amplification(wanted, replace(evidence, metrics=metrics), FOUR)
    together = amplification(wanted, replace(bench.evidence(replace(protected, fate=in_turns)), metrics=metrics), FOUR)
    assert alone.interval is not None
    assert together.interval is not None
    assert together.numbers["design_effect"] > 3 > alone.numbers["design_effect"]
    assert together.value == alone.value
    assert together.interval.low < alone.interval.low < alone.interval.high < together.interval.high


def test_every_attempt_of_a_retry_may_be_hedged() -> None:
    hedged = EdgePolicy.model_validate({"retry": {"max_attempts": 3}, "hedge": {"delay": "50ms", "max_attempts": 2}})
    assert [most_attempts(policy) for policy in (UNPROTECTED, FOUR, hedged)] == [1, 4, 6]


def test_goodput_counts_a_journey_in_the_second_in_which_it_ended_well(bench: Bench, protected: Scenario) -> None:
    def queueing(name: str, instant_s: float, random: Random) -> Fate:
        """From second 25 on, every other order is turned away, and the others take three seconds."""
        if name != "order" or not 25 <= instant_s < 45:
            return Fate()
        return Fate(ok=random.random() < 0.5, elapsed_ms=3_000.0)

    evidence = bench.evidence(replace(protected, fate=queueing))
    measured = goodput(Goodput(journey="order", min_per_s=10, peak_per_s=12.5), evidence)
    # 12.5 a second, but those of the last three seconds ended after the window.
    assert measured.value == pytest.approx(12.5 * 17 / 20, abs=1.5)
    assert measured.value is not None
    assert measured.interval is not None
    assert measured.interval.low < measured.value < measured.interval.high
    assert measured.numbers["of_peak_share"] == pytest.approx(measured.value / 12.5, abs=1e-3)


@pytest.mark.parametrize(
    ("min_per_s", "status"),
    [(20.0, ObjectiveStatus.HELD), (40.0, ObjectiveStatus.VIOLATED), (27.0, ObjectiveStatus.UNDECIDED)],
)
def test_goodput_is_held_or_violated_only_when_its_interval_says_so(
    evidence: ArmEvidence, min_per_s: float, status: ObjectiveStatus
) -> None:
    measured = goodput(Goodput(journey="order", min_per_s=min_per_s, peak_per_s=50), evidence)
    assert measured.decided(measured.violation_p).status is status


def test_a_window_of_a_few_seconds_says_nothing_of_goodput(bench: Bench, protected: Scenario) -> None:
    evidence = bench.evidence(replace(protected, marks_s=(0.0, 5.0, 25.0, 31.0, 40.0)))
    measured = goodput(Goodput(journey="order", min_per_s=1, peak_per_s=50), evidence)
    assert measured.decided(None).status is ObjectiveStatus.UNDECIDED
    assert "10 are needed" in measured.said


@pytest.mark.parametrize(
    ("recovery", "watched_s", "status"),
    [
        (Recovery(recovered=True, after_s=4.9, last_journey="order"), 30.0, ObjectiveStatus.HELD),
        (Recovery(recovered=True, after_s=5.1, last_journey="order"), 30.0, ObjectiveStatus.VIOLATED),
        (Recovery(recovered=False, after_s=None, last_journey="order"), 30.0, ObjectiveStatus.VIOLATED),
        (Recovery(recovered=False, after_s=None, last_journey="order"), 4.0, ObjectiveStatus.UNDECIDED),
        # Of six seconds the last two have to be quiet: it may have been back after 4.5 s.
        (Recovery(recovered=False, after_s=None, last_journey="order"), 6.0, ObjectiveStatus.UNDECIDED),
    ],
)
def test_who_is_not_back_by_the_end_has_taken_too_long_unless_nobody_watched_that_long(
    recovery: Recovery, watched_s: float, status: ObjectiveStatus
) -> None:
    wanted = RecoveryTime.model_validate({"max": "5s"})
    assert recovery_time(wanted, recovery, Window(45.0, 45.0 + watched_s)).decided(None).status is status


def test_a_time_to_recover_with_nobody_to_watch_is_a_mistake(bench: Bench) -> None:
    head, rest = bench.loaded.path.read_text(encoding="utf-8").split("journeys:\n", 1)
    journeys = "journeys: {watched: [browse, order, track, sign_in]}\nobjectives: {recovery: {max: 5s}}\n"
    path = bench.folder / "watching.yaml"
    path.write_text(f"{head}{journeys}arms:{rest.split('arms:', 1)[1]}", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"watching\.yaml:\d+: objectives\.recovery: watches nobody: name journeys"):
        bench.load(path)


def with_objectives(bench: Bench, objectives: Objectives, *, judged: bool = True) -> Bench:
    experiment = bench.loaded.experiment.model_copy(update={"objectives": objectives})
    if not judged:
        roles = {"judged": {}, "may_degrade": ("order", "track"), "watched": ("browse", "sign_in")}
        experiment = experiment.model_copy(update={"journeys": experiment.journeys.model_copy(update=roles)})
    return replace(bench, loaded=replace(bench.loaded, experiment=experiment))


def test_an_arm_whose_journeys_hold_leaks_by_a_violated_objective(bench: Bench, protected: Scenario) -> None:
    wanted = Objectives(goodput=Goodput(journey="order", min_per_s=40, peak_per_s=50))
    arm = with_objectives(bench, wanted).judge(protected)
    assert arm.verdict is Verdict.LEAKED
    assert arm.reasons[0].startswith("goodput violated: 27.5 order journeys a second")
    assert arm.proof(ProofKind.JOURNEYS_HELD).status is ProofStatus.REFUTED
    assert [objective.kind for objective in arm.objectives] == [ObjectiveKind.GOODPUT]


def test_an_experiment_may_judge_by_objectives_alone(bench: Bench, protected: Scenario) -> None:
    wanted = Objectives(
        goodput=Goodput(journey="order", min_per_s=20, peak_per_s=25), recovery=RecoveryTime.model_validate({"max": "5s"})
    )
    arm = with_objectives(bench, wanted, judged=False).judge(protected)
    assert arm.verdict is Verdict.ISOLATED
    assert arm.met
    assert [objective.status for objective in arm.objectives] == [ObjectiveStatus.HELD] * 2
    assert arm.proof(ProofKind.JOURNEYS_HELD).status is ProofStatus.PROVEN


def test_p_values_of_objectives_and_journeys_are_corrected_together(bench: Bench, protected: Scenario) -> None:
    wanted = Objectives(goodput=Goodput(journey="order", min_per_s=29, peak_per_s=50))
    alone = with_objectives(bench, wanted, judged=False).judge(protected).objectives[0]
    among = with_objectives(bench, wanted).judge(protected).objectives[0]
    assert alone.p_value is not None
    assert among.p_value is not None
    assert 0 < alone.p_value < among.p_value


def test_an_undecided_objective_leaves_the_arm_inconclusive_and_a_leak_a_leak() -> None:
    undecided = ObjectiveResult(
        kind=ObjectiveKind.GOODPUT, subject="order", status=ObjectiveStatus.UNDECIDED, bound=1, measured=None, interval=None,
        p_value=None, sentence="goodput undecided",
    )  # fmt: skip
    journeys: tuple[JourneyResult, ...] = ()
    assert decide((), journeys, (undecided,)).verdict is Verdict.INCONCLUSIVE
    violated = undecided.model_copy(update={"status": ObjectiveStatus.VIOLATED})
    assert decide((), journeys, (undecided, violated)).verdict is Verdict.LEAKED


def test_objectives_stand_in_the_report_in_junit_and_on_the_closing_screen(
    bench: Bench, world: FakeWorld, console: Console
) -> None:
    path = bench.folder / "demanding.yaml"
    objectives = "objectives: {recovery: {max: 5s}, goodput: {journey: order, min_per_s: 20, peak_per_s: 25}}\n"
    at_one_pace = bench.loaded.path.read_text(encoding="utf-8").replace("slowest_pace: 0.4", "slowest_pace: 1")
    path.write_text(objectives + at_one_pace, encoding="utf-8")
    assert run_and_show(str(path), RunOptions(runs=bench.folder / "runs"), world.world(), console) == 0
    folder = bench.folder / "runs" / "latest"
    assert "✓ objective" in world.printed()
    assert "✗ objective" in world.printed()
    page = (folder / "report.html").read_text(encoding="utf-8").replace("\xa0", " ")
    assert "Journeys that ended well" in page
    assert "order, at least 20 /s" in page
    names = {case.get("name") for case in ElementTree.parse(folder / "junit.xml").iter("testcase")}  # noqa: S314 - our own
    assert {"objective goodput order", "objective recovery"} <= names


def test_the_answer_tells_what_was_measured_first(bench: Bench, world: FakeWorld) -> None:
    violated = ObjectiveResult(
        kind=ObjectiveKind.RECOVERY, subject="", status=ObjectiveStatus.VIOLATED, bound=5, measured=None, interval=None,
        p_value=None, sentence="recovery violated", numbers={"watched_s": 30.0},
    )  # fmt: skip
    held = violated.model_copy(update={"status": ObjectiveStatus.HELD, "measured": 2.0})
    finished = run_experiment(bench.loaded, RunOptions(runs=bench.folder / "runs"), world.world(), Unobserved())
    arms = [finished.result.arm(name) for name in ("declared", "none")]
    told = [arm.model_copy(update={"objectives": (each,)}) for arm, each in zip(arms, (held, violated), strict=True)]
    sentences = answer(finished.result.model_copy(update={"arms": tuple(told)}))
    assert sentences[1].replace("\xa0", " ") == (
        "Protected, everything was back after 2 s and browse and order went on as before; "
        "unprotected, every order journey failed and not everything was back 30 s after it was over."
    )
