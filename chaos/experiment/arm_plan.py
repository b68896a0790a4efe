"""One arm that is about to be run: what, where, and from which seed."""

from dataclasses import dataclass

from chaos.experiment.experiment_file import LoadedExperiment
from chaos.experiment.folders import ArmFolder
from services.topology import Topology


@dataclass(frozen=True)
class PlannedArm:
    """What an arm's run works from."""

    name: str
    loaded: LoadedExperiment
    folder: ArmFolder
    run_id: str
    seed: int

    @property
    def topology(self) -> Topology:
        """The map that it runs on."""
        return self.loaded.maps[self.name].topology

    @property
    def marks_s(self) -> tuple[float, float, float, float, float]:
        """Where the phases begin, and where the last one ends."""
        return self.loaded.experiment.phases.marks_s()
