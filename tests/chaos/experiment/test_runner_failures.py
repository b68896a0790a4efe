"""What becomes of a run that is interrupted, or of which something goes wrong."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from chaos.experiment.errors import EvidenceError, RunError
from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.judge import judge
from chaos.experiment.runner import RunOptions
from chaos.experiment.session import EXIT_INTERRUPTED, run_and_show
from chaos.targets.errors import RefusedError
from testbed.control import ControlError
from tests.chaos.experiment.playing import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.fake_world import FakeWorld


@pytest.mark.parametrize("at_s", [-3.0, 2.0, 12.0, 25.5, 33.0, 44.5, 50.0, 61.0])
def test_ctrl_c_in_any_phase_leaves_nothing_running_and_no_fault_in_force(
    bench: Bench, world: FakeWorld, console: Console, at_s: float
) -> None:
    world.interrupt_at(at_s, KeyboardInterrupt)
    code = run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), console)
    assert code == EXIT_INTERRUPTED
    assert (world.running, world.loads_running, world.faults) == ([], 0, [])
    assert "every process is stopped; this run has no verdict" in world.printed()
    with pytest.raises(EvidenceError, match="was broken off before its arms had run to their end"):
        judge(ExperimentFolder.find("latest", bench.folder / "runs"))


def test_ctrl_c_while_a_system_starts_is_an_interruption_as_well(bench: Bench, world: FakeWorld, console: Console) -> None:
    world.launch_error = KeyboardInterrupt()
    assert run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), console) == EXIT_INTERRUPTED
    assert world.running == []


def test_sigterm_stops_everything_too(bench: Bench, world: FakeWorld, console: Console) -> None:
    world.interrupt_at(30.0, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as caught:
        run_and_show("delivery-outage", RunOptions(runs=bench.folder / "runs"), world.world(), console)
    assert caught.value.code == 128 + signal.SIGTERM
    assert (world.running, world.loads_running, world.faults) == ([], 0, [])
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize(
    ("spoil", "error", "said"),
    [
        (lambda world: world.end_load_at(10.0), RunError, "the load generator ended early"),
        (lambda world: world.refuse(RefusedError("deliveries/1 refused: table full")), RunError, "could not be put in force"),
        (lambda world: world.interrupt_at(30.0, world.fail_status), ControlError, "no testbed runs"),
        (lambda world: world.fail_launch("port 4318 is taken"), ControlError, "port 4318 is taken"),
    ],
)
def test_what_goes_wrong_in_the_middle_is_told_and_everything_is_stopped(
    bench: Bench, world: FakeWorld, spoil: Callable[[FakeWorld], None], error: type[Exception], said: str
) -> None:
    spoil(world)
    with pytest.raises(error, match=said):
        run(bench, world)
    assert (world.running, world.loads_running) == ([], 0)


def test_a_folder_that_cannot_be_made_is_named_before_anything_starts(bench: Bench, world: FakeWorld) -> None:
    (bench.folder / "file").write_text("", encoding="utf-8")
    with pytest.raises(NotADirectoryError, match="file"):
        run(bench, world, runs=bench.folder / "file" / "runs")
    assert world.launched == []


def test_a_disk_that_is_nearly_full_is_refused_before_anything_starts(
    bench: Bench, world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly_full = type(shutil.disk_usage(bench.folder))(10**9, 10**9 - 5_000_000, 5_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: nearly_full)
    with pytest.raises(RunError, match=r"runs: 5 MB are free and a run wants 300"):
        run(bench, world)
    assert world.launched == []


def test_a_disk_that_fills_up_in_the_middle_stops_everything(
    bench: Bench, world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "books.json")

    monkeypatch.setattr("chaos.experiment.collection.Collector.keep_metrics", full)
    with pytest.raises(OSError, match="No space left"):
        run(bench, world)
    assert (world.running, world.loads_running) == ([], 0)


def test_an_unknown_arm_is_refused_with_those_there_are(bench: Bench, world: FakeWorld) -> None:
    with pytest.raises(RunError, match=r"unknown arm 'nobody'; delivery-outage has: declared, none"):
        run(bench, world, arms=("nobody",))
    assert not (bench.folder / "runs").exists()
