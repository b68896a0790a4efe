"""A surge is a fault without a lease: it is in the load, it is the same for every arm, and it has to have come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.experiment.experiment_file import LoadedExperiment, find_experiment, load_experiment
from chaos.experiment.load_process import Surge, surge_of
from chaos.experiment.observer import Unobserved
from chaos.experiment.outcomes import ProofStatus
from chaos.experiment.proofs.fault_bit import fault_bit
from chaos.experiment.report.answer import answer
from chaos.experiment.runner import RunOptions, run_experiment
from services.document import DocumentError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.fake_world import FakeWorld
    from tests.chaos.experiment.scenarios import Scenario

OUTAGE = find_experiment("delivery-outage").read_text(encoding="utf-8")


def surging(folder: Path, fault: str, load_per_s: int = 25) -> LoadedExperiment:
    text = OUTAGE.replace("slowest_pace: 0.4", "slowest_pace: 1", 1)  # A surge may have a rate of its own.
    text = text.replace("{kind: kill, target: deliveries}", fault, 1).replace("order: 25,", f"order: {load_per_s},", 1)
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_experiment(path)


@pytest.mark.parametrize(
    ("strength", "extra_per_s", "said"),
    [("factor: 2", 25.0, "surge of order to 2 times as many"), ("rate_per_s: 40", 15.0, "surge of order to 40 a second")],
)
def test_a_surge_comes_on_top_of_the_load_in_the_faults_window(
    tmp_path: Path, strength: str, extra_per_s: float, said: str
) -> None:
    loaded = surging(tmp_path, f"{{kind: surge, journey: order, {strength}}}")
    assert surge_of(loaded) == Surge("order", extra_per_s, 25.0, 45.0)
    assert str(loaded.experiment.fault) == said
    assert str(loaded.place) == "gateway"


def test_a_fault_of_another_kind_adds_nothing_to_the_load(bench: Bench) -> None:
    assert surge_of(bench.loaded) is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("{kind: surge, journey: order}", r"fault: a surge needs one of factor .* and rate_per_s"),
        ("{kind: surge, journey: order, factor: 2, rate_per_s: 3}", r"fault: a surge needs one of"),
        ("{kind: surge, journey: order, factor: 1}", r"fault\.factor: .*greater than 1"),
        ("{kind: surge, journey: order, rate_per_s: 25}", r"fault\.rate_per_s: is no more than the load's 25 a second"),
        ("{kind: surge, journey: ordre, factor: 2}", r"fault\.journey: unknown journey 'ordre'; .*did you mean order"),
        ("{kind: surge, journey: order, factor: 2, target: orders}", r"fault\.target: unknown key"),
    ],
)
def test_a_surge_that_cannot_be_is_a_mistake_with_its_line(tmp_path: Path, fault: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        surging(tmp_path, fault)


def test_every_arm_sees_the_same_surge_and_nothing_is_injected(bench: Bench, world: FakeWorld) -> None:
    loaded = surging(bench.folder, "{kind: surge, journey: order, factor: 2}")
    finished = run_experiment(loaded, RunOptions(runs=bench.folder / "runs"), world.world(), Unobserved())
    assert [schedule.surge for schedule in world.schedules] == [Surge("order", 25.0, 25.0, 45.0)] * 2
    assert "order=25@25-45" in world.schedules[0].command(9_646)
    assert world.lease_ms == []
    fault = finished.result.arm("declared").fault
    assert fault is not None
    assert (fault.kind, fault.target, fault.leases) == ("surge", "order", ())


@pytest.mark.parametrize(
    ("rate_per_s", "load_per_s", "status", "said"),
    # Of the 25 a second that come in the scenario all the time.
    [
        (26, 12, ProofStatus.PROVEN, "before"),
        (50, 12, ProofStatus.REFUTED, "not the rate that was asked"),
        (26, 25, ProofStatus.REFUTED, "the load alone may bring as many"),
    ],
)
def test_a_surge_bit_if_as_many_came_as_were_asked_and_the_load_alone_would_bring_fewer(
    bench: Bench, protected: Scenario, rate_per_s: int, load_per_s: int, status: ProofStatus, said: str
) -> None:
    loaded = surging(bench.folder, f"{{kind: surge, journey: order, rate_per_s: {rate_per_s}}}", load_per_s)
    proof = fault_bit(bench.evidence(protected), loaded)
    assert proof.status is status
    assert f"a second where {rate_per_s} were asked" in proof.sentence
    assert proof.sentence.endswith(said)


def test_the_answer_says_what_came(bench: Bench, world: FakeWorld) -> None:
    loaded = surging(bench.folder, "{kind: surge, journey: order, rate_per_s: 26}", load_per_s=12)
    finished = run_experiment(loaded, RunOptions(runs=bench.folder / "runs"), world.world(), Unobserved())
    assert answer(finished.result)[0].replace("\xa0", " ") == "A surge of order to 26 a second for 20 s."
