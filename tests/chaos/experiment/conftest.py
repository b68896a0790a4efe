"""What the tests of experiments share: arms that never ran, and a world in which they could."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.experiment_file import LoadedExperiment, find_experiment, load_experiment
from chaos.experiment.folders import ArmFolder
from chaos.experiment.result import ArmResult
from chaos.experiment.verdict import judge_arm
from tests.chaos.experiment.arms import write_arm
from tests.chaos.experiment.fake_world import FakeWorld
from tests.chaos.experiment.scenarios import Scenario, failing


@dataclass(frozen=True)
class Bench:
    """Writes arms and judges them."""

    folder: Path
    loaded: LoadedExperiment

    def load(self, path: Path) -> LoadedExperiment:
        return load_experiment(path)

    def write(self, scenario: Scenario) -> ArmFolder:
        return write_arm(ArmFolder(self.folder / scenario.arm), scenario)

    def evidence(self, scenario: Scenario) -> ArmEvidence:
        return ArmEvidence.read(self.write(scenario), self.loaded.place)

    def judge(self, scenario: Scenario) -> ArmResult:
        return judge_arm(self.evidence(scenario), self.loaded, seed=1)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The outage of deliveries as shipped."""
    return Bench(tmp_path, load_experiment(find_experiment("delivery-outage")))


@pytest.fixture
def protected() -> Scenario:
    return Scenario()


@pytest.fixture
def unprotected() -> Scenario:
    return Scenario(arm="none", fate=failing, breaker_opened=0, fallbacks=0)


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def console(world: FakeWorld) -> Console:
    return Console(file=world.screen, width=160, force_terminal=False)


@pytest.fixture
def terminal(world: FakeWorld) -> Console:
    return Console(file=world.screen, width=160, height=60, force_terminal=True, color_system=None)
