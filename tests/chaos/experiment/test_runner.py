"""A whole run in a world without processes: what it does, shows and leaves behind."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from chaos.experiment.alert_record import AlertRecord
from chaos.experiment.folders import ArmFolder, ExperimentFolder
from chaos.experiment.judge import judge
from chaos.experiment.outcomes import ProofKind, ProofStatus, Verdict
from chaos.experiment.result import Result
from chaos.experiment.runner import RunOptions
from chaos.experiment.session import judge_and_show, run_and_show
from services.document import DocumentError
from tests.chaos.experiment.playing import run

if TYPE_CHECKING:
    from rich.console import Console

    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.fake_world import FakeWorld


def test_two_arms_give_the_expected_verdicts_and_a_folder_with_everything(bench: Bench, world: FakeWorld) -> None:
    result, folder = run(bench, world)
    assert result.passed, result.sentence
    assert {arm.name: arm.verdict for arm in result.arms} == {"declared": Verdict.ISOLATED, "none": Verdict.LEAKED}
    assert result.same_arrivals
    assert result.sentence == "As expected: declared ISOLATED, none LEAKED."
    assert sorted(path.name for path in folder.root.iterdir()) == [
        "arms", "experiment.yaml", "facts.json", "junit.xml", "slo.yaml", "topology.yaml", "verdict.json",
    ]  # fmt: skip
    assert Result.read(folder.verdict) == result
    assert world.running == []
    assert world.faults == []


def test_each_arm_is_a_fresh_system_of_its_own_profile_that_dies_with_us(bench: Bench, world: FakeWorld) -> None:
    _, folder = run(bench, world)
    assert {(each.arm, str(each.profile), each.state) for each in world.launched} == {
        ("declared", "declared", folder.root / "arms" / "declared"),
        ("none", "none", folder.root / "arms" / "none"),
    }
    assert all(each.free_ports and each.die_with_parent for each in world.launched)
    assert all(each.topology == folder.arm(each.arm).topology for each in world.launched)


def test_arms_see_one_schedule_and_one_seed_in_an_order_drawn_from_it(bench: Bench, world: FakeWorld) -> None:
    result, _ = run(bench, world, seed=3)
    assert [(each.seed, each.run_s, each.load) for each in world.schedules] == [(3, 60.0, bench.loaded.experiment.load)] * 2
    assert tuple(each.arm for each in world.launched) == result.order
    orders = set()
    for seed in range(8):
        again, _ = run(bench, world, seed=seed, scale=0.05)
        orders.add(again.order)
    assert orders == {("declared", "none"), ("none", "declared")}


def test_the_fault_is_in_force_from_mark_to_mark_under_a_lease_that_hardly_outlasts_it(bench: Bench, world: FakeWorld) -> None:
    result, _ = run(bench, world)
    for arm in result.arms:
        assert arm.fault is not None
        assert (arm.fault.applied_s, arm.fault.lifted_s) == pytest.approx((25, 45), abs=0.01)
    assert world.lease_ms == [25_000, 25_000]


def test_a_request_fault_is_leased_counted_and_lifted(bench: Bench, world: FakeWorld) -> None:
    text = bench.loaded.path.read_text(encoding="utf-8").replace("kind: kill,", "kind: hang,")
    (bench.folder / "hang.yaml").write_text(text, encoding="utf-8")
    bench = replace(bench, loaded=bench.load(bench.folder / "hang.yaml"))
    result, _ = run(bench, world)
    bit = result.arm("declared").proof(ProofKind.FAULT_BIT)
    assert bit.status is ProofStatus.PROVEN
    assert bit.sentence.startswith("900 of 900 requests at deliveries were hit")
    assert world.faults == []


def test_a_shortened_run_is_inconclusive_and_says_what_is_missing(bench: Bench, world: FakeWorld) -> None:
    result, _ = run(bench, world, scale=0.2)
    assert {arm.verdict for arm in result.arms} == {Verdict.INCONCLUSIVE}
    assert result.arms[0].phases[-1].end_s == 12
    assert "400 in each window are needed" in result.sentence
    assert not result.passed


def test_one_arm_alone_can_be_run(bench: Bench, world: FakeWorld) -> None:
    result, _ = run(bench, world, arms=("none",))
    assert [arm.name for arm in result.arms] == ["none"]
    assert result.passed


def test_a_run_can_be_judged_again_from_its_folder_alone(bench: Bench, world: FakeWorld) -> None:
    result, folder = run(bench, world)
    moved = bench.folder / "elsewhere"
    shutil.move(folder.root, moved)
    (moved / "verdict.json").unlink()
    assert judge(ExperimentFolder(moved)) == result


def test_junit_fails_where_the_verdict_is_not_the_expected_one(bench: Bench, world: FakeWorld) -> None:
    _, folder = run(bench, world)
    suites = ElementTree.parse(folder.junit).getroot()  # noqa: S314 - written by ourselves
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in suites] == [
        ("delivery-outage.declared", "7", "0", "0"),
        ("delivery-outage.none", "7", "0", "0"),
    ]
    _, folder = run(bench, replace(world, breaker_opened=0.0))
    declared = ElementTree.parse(folder.junit).getroot()[0]  # noqa: S314 - written by ourselves
    assert [case.get("name") for case in declared if case.find("failure") is not None] == [
        "verdict is ISOLATED",
        "for the right reason".removeprefix("for the "),
    ]


def test_two_runs_in_one_second_have_folders_of_their_own(bench: Bench, world: FakeWorld) -> None:
    folders = {run(bench, world, arms=("none",), scale=0.05)[1].root for _ in range(3)}
    assert len(folders) == 3


def test_orders_that_never_get_a_courier_are_waited_for_no_longer_than_allowed(bench: Bench, world: FakeWorld) -> None:
    result, _ = run(bench, replace(world, without_courier=2))
    proof = result.arm("declared").proof(ProofKind.INVARIANTS)
    assert (proof.status, "2 without a courier" in proof.sentence) == (ProofStatus.REFUTED, True)
    assert not result.passed


def test_books_that_balance_late_are_read_again_until_they_do(bench: Bench, world: FakeWorld) -> None:
    world = replace(world, courier_after_asks=40)
    result, folder = run(bench, world)
    assert result.arm("declared").proof(ProofKind.INVARIANTS).status is ProofStatus.PROVEN
    assert ArmFolder(folder.root / "arms" / "declared").books.exists()


def test_a_piped_run_is_told_line_by_line_and_ends_with_table_proofs_and_report(
    bench: Bench, world: FakeWorld, console: Console
) -> None:
    code = run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), console)
    said = world.printed()
    assert code == 0
    for text in (
        "declared: all 10 processes are ready",
        "declared: fault until 45 s",
        "kill deliveries is in force in deliveries/1",
        "none: stopped",
        "declared ISOLATED  (profile declared; as expected)",
        "✓ for the right reason the breaker of orders->deliveries opened 3 times",
        "? the alert fired      computed from the load's record, without Prometheus: whether deliveries would have paged",
        "As expected: declared ISOLATED, none LEAKED.",
    ):
        assert text in said
    assert said.rstrip().endswith("report.html")
    assert (bench.folder / "runs" / "latest" / "report.html").exists()


def test_a_terminal_shows_the_phase_and_the_journeys_as_they_fare(bench: Bench, world: FakeWorld, terminal: Console) -> None:
    assert run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), terminal) == 0
    said = world.printed()
    for text in (
        "starting: 10 of 10 processes are ready",
        "fault",
        "until 45 s",
        "must hold",
        "may degrade",
        "customers sign in",
    ):
        assert text in said


def test_a_verdict_that_was_not_expected_is_exit_code_1_and_says_why(bench: Bench, world: FakeWorld, console: Console) -> None:
    world = replace(world, breaker_opened=0.0)
    assert run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), console) == 1
    assert "why" in world.printed()
    assert "never opened" in world.printed()


def test_a_run_is_reported_again_from_its_folder(bench: Bench, world: FakeWorld, console: Console) -> None:
    _, folder = run(bench, world)
    assert judge_and_show(str(folder.root), console) == 0
    assert folder.report.exists()
    assert "As expected" in world.printed()


def test_an_unknown_experiment_starts_nothing(bench: Bench, world: FakeWorld, console: Console) -> None:
    with pytest.raises(DocumentError, match="did you mean delivery-outage"):
        run_and_show("delivery-outag", RunOptions(runs=bench.folder / "runs"), world.world(), console)
    assert world.launched == []


def test_with_a_prometheus_the_page_is_told_of_as_it_comes_and_kept_in_the_folder_of_the_arm(
    bench: Bench, world: FakeWorld, console: Console
) -> None:
    world.paged_s = (30.0, 50.0)
    code = run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), console)
    said = world.printed()
    assert code == 0
    for text in (
        "declared: alert fires: ServiceBurnsErrorBudget of deliveries (availability)",
        "declared: alert is over: ServiceBurnsErrorBudget of deliveries (availability)",
        "✓ the alert fired      deliveries paged 5.0 s after the fault struck and was over 5.0 s after the fault was lifted",
    ):
        assert text in said
    kept = AlertRecord.model_validate_json((bench.folder / "runs" / "latest" / "arms" / "none" / "alerts.json").read_bytes())
    assert [(span.subject, span.start_s, span.end_s) for span in kept.spans] == [("deliveries", 30.0, 50.0)]
    assert [(each.subject, each.state) for each in kept.routed] == [("deliveries", "active")]


def test_an_arm_whose_alerts_contradict_what_is_stated_is_not_as_expected(bench: Bench, world: FakeWorld) -> None:
    world.paged_s = (40.0, 50.0)
    result, _ = run(bench, world)
    arm = result.arm("declared")
    assert (arm.verdict, arm.met) == (Verdict.ISOLATED, False)
    assert arm.reasons[-1].startswith("but alerts is refuted: deliveries paged 15.0 s after the fault struck, 10 s are allowed")
