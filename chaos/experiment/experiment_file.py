"""Finds, reads and checks an experiment's file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from chaos.experiment.arm_map import ArmMap, arm_maps
from chaos.experiment.experiment_checks import find_mistakes
from chaos.experiment.fault_plan import SurgePlan
from chaos.experiment.model import Experiment
from chaos.targets.place import Place
from observability.slo.loader import Slos, load_slos
from services.document import DocumentError, Mistake, did_you_mean, read_document
from services.topology import default_topology_path


@dataclass(frozen=True)
class LoadedExperiment:
    """An experiment that has passed every check, and the maps it was checked against: one an arm, and what all came from."""

    name: str
    path: Path
    experiment: Experiment
    topology_path: Path
    maps: Mapping[str, ArmMap]
    slos: Mapping[str, Slos]
    """By arm; empty for a map that the objectives do not speak of."""
    pace: float = 1.0
    """How many times as often customers come as the file says."""

    @property
    def place(self) -> Place:
        """Where the fault acts, in every arm; a surge acts on nobody and comes in at the entry."""
        topology, fault = next(iter(self.maps.values())).topology, self.experiment.fault
        return Place(topology.entry) if isinstance(fault, SurgePlan) else Place.parse(fault.target, topology)

    @property
    def rates_per_s(self) -> dict[str, float]:
        """Journeys of each kind that begin in a second, at its pace."""
        return {name: rate * self.pace for name, rate in self.experiment.load.rates_per_s.items()}

    def played(self, pace: float, scale: float) -> "LoadedExperiment":
        """As it is run: with customers at another pace, in phases so many times as long as that takes, and `scale` besides."""
        phases = self.experiment.phases.scaled(scale / pace)
        return replace(self, experiment=self.experiment.model_copy(update={"phases": phases}), pace=pace)


def shipped_experiments() -> dict[str, Path]:
    """Experiments that come with Firebreak, by name."""
    folder = Path(str(files("chaos") / "experiments"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_experiment(name: str) -> Path:
    """The file of a shipped experiment's name, or of a path. Raises DocumentError when there is neither."""
    shipped = shipped_experiments()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or path.exists():
        return path
    allowed = f"a YAML file, or one of: {', '.join(shipped)}{did_you_mean(name, shipped)}"
    raise DocumentError([Mistake(name, 0, "", f"is no experiment; allowed: {allowed}")])


def load_experiment(path: Path, topology_path: Path | None = None, slo_path: Path | None = None) -> LoadedExperiment:
    """Reads and checks the experiment at `path`. Raises DocumentError naming every mistake, of the topology's file as well.

    Args:
        path: The YAML file.
        topology_path: Takes precedence over the file's own `topology` (a run's folder keeps a copy of both).
        slo_path: Objectives; FeastFast's by default.
    """
    document = read_document(path)
    experiment = document.parse(Experiment)
    chosen = topology_path or (path.parent / experiment.topology if experiment.topology else default_topology_path())
    maps = arm_maps(document, experiment, read_document(chosen))
    slos = _slos(maps, slo_path)
    mistakes = find_mistakes(document, experiment, {arm: each.topology for arm, each in maps.items()}, slos)
    if mistakes:
        raise DocumentError(mistakes)
    return LoadedExperiment(path.stem, path, experiment, chosen, maps, slos)


def _slos(maps: Mapping[str, ArmMap], slo_path: Path | None) -> dict[str, Slos]:
    """The objectives, checked against every arm's map; none for a map of another system, whose services they do not know."""
    try:
        return {arm: load_slos(slo_path, each.topology) for arm, each in maps.items()}
    except DocumentError:
        return {}
