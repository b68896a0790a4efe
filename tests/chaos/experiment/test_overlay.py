"""What an experiment and an arm change in the map: merged for each arm, launched from there, and named where it is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.experiment.experiment_file import LoadedExperiment, find_experiment, load_experiment
from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.judge import judge
from chaos.experiment.observer import Unobserved
from chaos.experiment.report.report import report_html
from chaos.experiment.runner import RunOptions, run_experiment
from services.document import DocumentError
from services.topology import load_topology

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.fake_world import FakeWorld

OUTAGE = find_experiment("delivery-outage").read_text(encoding="utf-8")
COMMON = "system: {services: {payments: {replicas: 1}}, edges: {orders->payments: {retry: {max_attempts: 4}}}}\n"
ARM = "{profile: none, system: {edges: {orders->payments: {breaker: null}}}}"


def changed(folder: Path, common: str = COMMON, arm: str = ARM) -> LoadedExperiment:
    path = folder / "mine.yaml"
    path.write_text(common + OUTAGE.replace("{profile: none}", arm, 1), encoding="utf-8")
    return load_experiment(path)


def test_every_arm_has_what_all_change_and_one_arm_has_its_own(tmp_path: Path) -> None:
    maps = changed(tmp_path).maps
    edges = {arm: each.topology.edges["orders->payments"] for arm, each in maps.items()}
    assert [edge.retry.max_attempts for edge in edges.values() if edge.retry] == [4, 4]
    assert (edges["declared"].breaker is None, edges["none"].breaker is None) == (False, True)
    assert {each.topology.services["payments"].replicas for each in maps.values()} == {1}


def test_each_arm_is_launched_from_its_own_map_and_judged_again_from_the_folder_alone(bench: Bench, world: FakeWorld) -> None:
    loaded = changed(bench.folder)
    finished = run_experiment(loaded, RunOptions(runs=bench.folder / "runs"), world.world(), Unobserved())
    assert {each.topology for each in world.launched} == {finished.folder.arm(arm).topology for arm in loaded.maps}
    for arm, arm_map in loaded.maps.items():
        assert load_topology(finished.folder.arm(arm).topology) == arm_map.topology
    (bench.folder / "mine.yaml").unlink()
    assert judge(ExperimentFolder(finished.folder.root)) == finished.result
    assert finished.result.arm("none").changes == ("edges.orders->payments.breaker",)


def test_the_report_shows_what_each_arm_changed(bench: Bench, world: FakeWorld) -> None:
    finished = run_experiment(changed(bench.folder), RunOptions(runs=bench.folder / "runs"), world.world(), Unobserved())
    shown = report_html(finished.result, finished.folder.root).split("Protection in force")[1].split("Reproduce")[0]
    assert "orders-&gt;payments" in shown
    assert "max_attempts 4" in shown
    assert "orders-&gt;deliveries" in shown
    assert "gateway-&gt;users" not in shown


@pytest.mark.parametrize(
    ("common", "arm", "said"),
    [
        ("system:\n  edges:\n    orders->payment: {}\n", ARM, r"mine\.yaml:3: system\.edges\.orders->payment: unknown service"),
        ("system: {service: {}}\n", ARM, r"mine\.yaml:1: system\.service: unknown key; .*did you mean services"),
        (
            COMMON,
            "{profile: none, system: {edges: {orders->payments: {breakr: null}}}}",
            r"arms\.none\.system\.edges.*breakr: unknown",
        ),
        (
            COMMON,
            "{profile: none, system: {services: {deliveries: {replicas: 1, port: 1}, users: {port: 1}}}}",
            r"1 is already",
        ),
    ],
)
def test_a_wrong_change_is_named_in_the_experiments_file_once(tmp_path: Path, common: str, arm: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as caught:
        changed(tmp_path, common, arm)
    assert all(mistake.file.endswith("mine.yaml") for mistake in caught.value.mistakes)
    assert len(set(caught.value.mistakes)) == len(caught.value.mistakes)


def test_a_target_that_an_arm_takes_away_is_a_mistake(bench: Bench) -> None:
    text = OUTAGE.replace("target: deliveries", "target: orders/2", 1).replace(
        "{profile: none}", "{profile: none, system: {services: {orders: {replicas: 1}}}}", 1
    )
    path = bench.folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"fault\.target: unknown replica 'orders/2'.*allowed: orders/1"):
        replace(bench, loaded=load_experiment(path))
