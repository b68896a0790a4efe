"""Runs experiments in a world without processes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chaos.experiment.observer import Unobserved
from chaos.experiment.runner import RunOptions, run_experiment

if TYPE_CHECKING:
    from chaos.experiment.folders import ExperimentFolder
    from chaos.experiment.result import Result
    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.fake_world import FakeWorld


def run(bench: Bench, world: FakeWorld, **options: object) -> tuple[Result, ExperimentFolder]:
    """Runs the bench's experiment there, with fields of RunOptions."""
    chosen = replace(RunOptions(runs=bench.folder / "runs"), **options)  # type: ignore[arg-type] # fields by name
    finished = run_experiment(bench.loaded, chosen, world.world(), Unobserved())
    return finished.result, finished.folder
