"""The map of one arm: the experiment's map, what every arm changes in it, and what this one does."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from chaos.experiment.model import Experiment
from services.document import Document, DocumentError, Location, Mistake
from services.overlay import overlay
from services.topology import Topology, topology_of


@dataclass(frozen=True)
class ArmMap:
    """A merged map, as data to be written down and as what it means."""

    data: object
    topology: Topology

    def write(self, path: Path) -> None:
        """Writes it where an arm's system is launched from. Raises OSError."""
        head = "# The map of this arm: topology.yaml of the run with what experiment.yaml changes.\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + yaml.safe_dump(self.data, sort_keys=False, width=120), encoding="utf-8")


def arm_maps(document: Document, experiment: Experiment, base: Document) -> dict[str, ArmMap]:
    """The map of every arm, by its name.

    Args:
        document: The experiment's file.
        experiment: The same, read.
        base: The map that is changed.

    Raises:
        DocumentError: Naming every mistake of `base` or, in the experiment's file, of the changes.
    """
    topology_of(base)
    maps: dict[str, ArmMap] = {}
    mistakes: dict[Mistake, None] = {}  # In order; what every arm shares is wrong once.
    common = _laid_over(base, document, ("system",), there=experiment.system is not None)
    for arm, plan in experiment.arms.items():
        merged = _laid_over(common, document, ("arms", arm, "system"), there=plan.system is not None)
        try:
            maps[arm] = ArmMap(merged.data, topology_of(merged))
        except DocumentError as error:
            mistakes |= dict.fromkeys(error.mistakes)
    if mistakes:
        raise DocumentError(list(mistakes))
    return maps


def _laid_over(base: Document, document: Document, at: Location, *, there: bool) -> Document:
    return overlay(base, document, at) if there else base
