"""Finds, reads and checks an experiment's file."""

import difflib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from chaos.experiment.experiment_checks import find_mistakes
from chaos.experiment.model import Experiment
from chaos.targets.place import Place
from services.document import DocumentError, Mistake, read_document
from services.topology import Topology, default_topology_path, load_topology


@dataclass(frozen=True)
class LoadedExperiment:
    """An experiment that has passed every check, and the map it was checked against."""

    name: str
    path: Path
    experiment: Experiment
    topology_path: Path
    topology: Topology

    @property
    def place(self) -> Place:
        """Where the fault acts."""
        return Place.parse(self.experiment.fault.target, self.topology)


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
    close = difflib.get_close_matches(name, shipped, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise DocumentError([Mistake(name, 0, "", f"is no experiment; allowed: a YAML file, or one of: {', '.join(shipped)}{hint}")])


def load_experiment(path: Path, topology_path: Path | None = None) -> LoadedExperiment:
    """Reads and checks the experiment at `path`. Raises DocumentError naming every mistake, of the topology's file as well.

    Args:
        path: The YAML file.
        topology_path: Takes precedence over the file's own `topology` (a run's folder keeps a copy of both).
    """
    document = read_document(path)
    experiment = document.parse(Experiment)
    chosen = topology_path or (path.parent / experiment.topology if experiment.topology else default_topology_path())
    topology = load_topology(chosen)
    mistakes = find_mistakes(document, experiment, topology)
    if mistakes:
        raise DocumentError(mistakes)
    return LoadedExperiment(path.stem, path, experiment, chosen, topology)
