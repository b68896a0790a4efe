"""On a machine that is too slow for an experiment's load, the same customers come at a slower pace, where the file allows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click
import pytest

from chaos.experiment.circumstances import Rehearsal
from chaos.experiment.errors import RunError
from chaos.experiment.experiment_file import load_experiment
from chaos.experiment.facts import RunFacts
from chaos.experiment.judge import judge
from chaos.experiment.load_process import Surge
from chaos.experiment.outcomes import Verdict
from chaos.experiment.pace import pace_sentence
from chaos.experiment.runner import RunOptions
from chaos.experiment.session import EXIT_INTERRUPTED, run_and_show
from chaos.parameters import Pace
from services.document import DocumentError
from tests.chaos.experiment.playing import run

if TYPE_CHECKING:
    from rich.console import Console

    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.fake_world import FakeWorld
    from tests.chaos.experiment.scenarios import Scenario

TOO_BUSY = 96.0


def changed(bench: Bench, old: str, new: str) -> Bench:
    """The same bench with a change in the experiment's file."""
    text = bench.loaded.path.read_text(encoding="utf-8")
    assert old in text
    (bench.folder / "mine.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return replace(bench, loaded=load_experiment(bench.folder / "mine.yaml"))


def with_one_pace(bench: Bench) -> Bench:
    return changed(bench, "slowest_pace: 0.4", "slowest_pace: 1")


def test_a_machine_that_is_fast_enough_plays_the_load_as_it_is_written_and_loses_no_time(bench: Bench, world: FakeWorld) -> None:
    result, _ = run(bench, replace(world, cpu_percent=67.0), scale=0.2)
    assert [(each.pace, each.run_s) for each in world.schedules] == [(1.0, 12.0)] * 2
    assert (result.experiment.pace, result.experiment.rehearsal) == (1.0, None)


def test_on_a_machine_that_is_too_busy_everything_begins_anew_with_fewer_customers_for_longer(
    bench: Bench, world: FakeWorld
) -> None:
    world = replace(world, cpu_percent=TOO_BUSY)

    def leave_something() -> None:
        (world.folder.root / "left over").touch()

    world.serve_at(20.0)
    world.interrupt_at(21.0, leave_something)
    result, folder = run(bench, world)
    assert [(each.pace, each.run_s) for each in world.schedules] == [(1.0, 60.0), *[(0.6, pytest.approx(100.0, abs=0.01))] * 2]
    assert [each.arm for each in world.launched] == [result.order[0], *result.order]
    assert world.lease_ms == pytest.approx([20_000 / 0.6 + 5_000] * 2, abs=1)  # None in the rehearsal.
    assert {arm.name: arm.verdict for arm in result.arms} == {"declared": Verdict.ISOLATED, "none": Verdict.LEAKED}
    assert result.passed
    assert result.arm("none").journey("order").fault.journeys == pytest.approx(500, rel=0.15)  # As many as at pace 1.
    said = result.experiment
    assert (said.pace, said.rates_per_s["order"]) == (0.6, 15.0)
    assert said.rehearsal == Rehearsal(cpu_percent=96.0, needed_percent=96.0, allowed_percent=85.0)
    assert sorted(path.name for path in folder.arms.iterdir()) == ["declared", "none"]
    assert list(folder.arms.glob("*/left over")) == []
    assert (world.running, world.loads_running, world.faults) == ([], 0, [])
    assert judge(folder) == result


def test_what_stays_however_few_come_is_told_from_the_load_by_a_second_rehearsal(bench: Bench, world: FakeWorld) -> None:
    world = replace(world, cpu_percent=90.0, cpu_at_rest_percent=36.0)
    world.serve_at(3.0)  # In the first rehearsal ...
    world.serve_at(6.0)  # ... and in the second, which lasts longer.
    result, _ = run(bench, world, scale=0.2)
    assert [each.pace for each in world.schedules] == [1.0, 0.65, 0.4, 0.4]
    assert result.experiment.rehearsal is not None
    assert result.experiment.rehearsal.pace == 0.65
    assert result.experiment.rehearsal.cpu_percent == pytest.approx(71.1, abs=0.2)
    assert "At pace 0.65 this machine was 71 % busy" in pace_sentence(0.4, result.experiment.rehearsal)


def test_a_machine_that_stays_busy_is_rehearsed_on_no_third_time(bench: Bench, world: FakeWorld) -> None:
    world = replace(world, cpu_percents=(90.0, 75.0))
    world.serve_at(3.0)
    world.serve_at(6.0)
    run(changed(bench, "slowest_pace: 0.4", "slowest_pace: 0.1"), world, scale=0.2)
    assert [each.pace for each in world.schedules] == [1.0, 0.65, 0.25, 0.25]


def test_what_no_pace_helps_against_is_said(bench: Bench, world: FakeWorld) -> None:
    world = replace(world, cpu_percent=99.0, cpu_at_rest_percent=90.0)
    world.serve_at(3.0)
    world.serve_at(6.0)
    result, _ = run(bench, world, scale=0.2)
    assert [each.pace for each in world.schedules] == [1.0, 0.6, 0.4, 0.4]
    assert "may not do: some 93 % are to be expected" in pace_sentence(0.4, result.experiment.rehearsal)


def test_a_machine_that_serves_hardly_anybody_is_given_the_slowest_pace_and_told_that_it_may_not_do(
    bench: Bench, world: FakeWorld, console: Console
) -> None:
    world.cpu_percent = TOO_BUSY
    run_and_show("delivery-outage", RunOptions(scale=0.2, runs=bench.folder / "runs"), world.world(), console)
    assert [each.pace for each in world.schedules] == [1.0, 0.4, 0.4]
    assert "That is the slowest that the file allows, and may not do: some 100 % are to be expected" in world.printed()


@pytest.mark.parametrize("screen", ["console", "terminal"])
def test_what_happened_is_told_while_it_happens_at_the_end_and_in_the_report(
    bench: Bench, world: FakeWorld, request: pytest.FixtureRequest, screen: str
) -> None:
    world.cpu_percent = TOO_BUSY
    world.serve_at(3.0)
    options = RunOptions(scale=0.2, runs=bench.folder / "runs")
    run_and_show("delivery-outage", options, world.world(), request.getfixturevalue(screen))
    said = " ".join(world.printed().split())
    sentence = (
        "At pace 1 this machine was 96 % busy before any fault, and 85 % are allowed, so the run began anew at pace 0.6: "
        "customers come 0.6 times as often as the experiment's file says, and phases last 1.67 times as long, so that as many "
        "journeys are judged."
    )
    assert said.count(sentence) == 2
    assert f"{sentence} An arm takes 20 s." in said
    report = (bench.folder / "runs" / "latest" / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    assert sentence in report
    assert "--seed 20261121 --scale 0.2 --pace 0.6" in report


def test_an_experiment_whose_rates_are_the_point_is_played_as_written_on_any_machine(bench: Bench, world: FakeWorld) -> None:
    run(with_one_pace(bench), replace(world, cpu_percent=100.0), scale=0.2)
    assert [each.pace for each in world.schedules] == [1.0, 1.0]


def test_a_pace_that_is_asked_for_is_taken_at_once_and_length_is_a_matter_of_its_own(bench: Bench, world: FakeWorld) -> None:
    result, _ = run(bench, replace(world, cpu_percent=100.0), pace=0.5, scale=0.2)
    assert [(each.pace, each.run_s) for each in world.schedules] == [(0.5, 24.0)] * 2
    assert (result.experiment.pace, result.experiment.scale, result.experiment.rehearsal) == (0.5, 0.2, None)
    assert [arm.phases[-1].end_s for arm in result.arms] == [24.0, 24.0]


def test_pace_1_that_is_asked_for_is_kept_however_busy_the_machine_is(bench: Bench, world: FakeWorld) -> None:
    run(bench, replace(world, cpu_percent=100.0), pace=1.0, scale=0.2)
    assert [each.pace for each in world.schedules] == [1.0, 1.0]


def test_a_pace_that_is_not_allowed_is_refused_before_anything_starts(bench: Bench, world: FakeWorld) -> None:
    with pytest.raises(RunError, match=r"--pace 0.3: delivery-outage allows 0.4 to 1 \(load.slowest_pace\), or auto"):
        run(bench, world, pace=0.3)
    with pytest.raises(RunError, match=r"--pace 0.5: mine has no other pace than 1: .*leave it out"):
        run(with_one_pace(bench), world, pace=0.5)
    with pytest.raises(RunError, match=r"at pace 0.4 the phases add up to 4200 s; at most 3600 s are possible"):
        run(changed(bench, "recovery: 15s", "recovery: 5s"), world, pace=0.4, scale=1_680 / 50)
    assert world.launched == []
    assert not (bench.folder / "runs").exists()


@pytest.mark.parametrize("at_s", [-3.0, 2.0, 12.0, 23.9])
def test_ctrl_c_in_the_rehearsal_leaves_nothing_running(bench: Bench, world: FakeWorld, console: Console, at_s: float) -> None:
    world.cpu_percent = TOO_BUSY
    world.interrupt_at(at_s, KeyboardInterrupt)
    code = run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), console)
    assert code == EXIT_INTERRUPTED
    assert (world.running, world.loads_running, world.faults) == ([], 0, [])


def test_ctrl_c_when_it_begins_anew_leaves_nothing_running_and_the_folder_says_at_what_pace(
    bench: Bench, world: FakeWorld, console: Console
) -> None:
    world.cpu_percent = TOO_BUSY
    world.interrupt_at(20.0, lambda: setattr(world, "launch_error", KeyboardInterrupt()))
    code = run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), console)
    assert (code, world.running, world.loads_running) == (EXIT_INTERRUPTED, [], 0)
    facts = RunFacts.model_validate_json((bench.folder / "runs" / "latest" / "facts.json").read_bytes())
    assert (facts.pace, facts.took_s) == (0.4, None)


def test_a_surge_slows_down_with_the_load(bench: Bench, world: FakeWorld) -> None:
    bench = changed(bench, "{kind: kill, target: deliveries}", "{kind: surge, journey: order, factor: 2}")
    run(bench, world, pace=0.5, scale=0.2)
    assert [each.surge for each in world.schedules] == [Surge("order", 12.5, 10.0, 18.0)] * 2
    command = world.schedules[0].command(9_646)
    assert command[command.index("--pace") + 1] == "0.5"
    assert command[command.index("--users") + 1] == "57"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("slowest_pace: 0.4", "slowest_pace: 0", r"load\.slowest_pace: .*greater than or equal to 0\.1"),
        ("slowest_pace: 0.4", "slowest_pace: 2", r"load\.slowest_pace: .*less than or equal to 1"),
        ("slowest_pace: 0.4", "slowest_pace: half", r"load\.slowest_pace: .*number"),
        ("slowest_pace: 0.4", "slowest_pce: 0.4", r"load\.slowest_pce: unknown key; .*did you mean slowest_pace"),
        (
            "{kind: kill, target: deliveries}",
            "{kind: surge, journey: order, rate_per_s: 40}",
            r"load\.slowest_pace: fault\.rate_per_s is a rate of its own, which does not slow down .*leave slowest_pace out",
        ),
        (
            "seed:",
            "objectives: {goodput: {journey: order, min_per_s: 5, peak_per_s: 9}}\nseed:",
            r"load\.slowest_pace: objectives\.goodput is a rate of its own",
        ),
    ],
)
def test_a_slowest_pace_that_cannot_be_is_a_mistake_with_its_line(bench: Bench, old: str, new: str, said: str) -> None:
    with pytest.raises(DocumentError, match=rf"mine\.yaml:\d+: {said}"):
        changed(bench, old, new)


def test_an_arm_that_is_invalid_for_a_busy_machine_names_the_pace_that_would_do(bench: Bench, protected: Scenario) -> None:
    busy = replace(protected, cpu_percent=97.0, thinned=0.1)
    assert bench.judge(busy).reasons[0].endswith("the machine, not the system; customers may come more slowly: --pace 0.6")
    slower = replace(bench, loaded=replace(bench.loaded, pace=0.6))
    assert slower.judge(busy).reasons[0].endswith("; customers may come more slowly: --pace 0.4")
    slowest = replace(bench, loaded=replace(bench.loaded, pace=0.4))
    assert slowest.judge(busy).reasons[0].endswith("; customers came as slowly as they may: let the machine do nothing else")
    assert with_one_pace(bench).judge(busy).reasons[0].endswith("the machine, not the system")


@pytest.mark.parametrize("text", ["fast", "0", "-1", "1.5", "nan", "50%", ""])
def test_what_is_no_pace_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is no pace; allowed: auto, or a number above 0 and up to 1, such as 0\.5"):
        Pace().convert(text, None, None)


def test_a_pace_is_a_number_or_left_to_the_machine() -> None:
    assert [Pace().convert(text, None, None) for text in ("auto", "0.5", "1")] == [None, 0.5, 1.0]


def test_a_run_as_it_is_written_has_nothing_to_be_said_of_its_pace() -> None:
    assert pace_sentence(1.0, None) == ""
    assert pace_sentence(0.5, None).startswith("This run is at pace 0.5: customers come 0.5 times as often")
