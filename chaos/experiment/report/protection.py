"""How what the fault hit, and what the arms change, was protected in each arm, from the maps in the run's folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.in_force import InForce
from chaos.experiment.report.formats import clip
from chaos.experiment.report.marks import arm_label
from chaos.experiment.result import ArmResult, Result
from services.document import DocumentError
from services.policy import EdgePolicy, Pattern
from services.topology import Service, Topology, load_topology, split_edge

MAX_PLACES = 12
OFF = "off"
_OF_SERVICE = ("replicas", "external", "limit", "max_connections")
"""What a service is shown by: what it can do at once, and what bounds that."""


@dataclass(frozen=True)
class PatternRow:
    """One pattern of one place: its parameters in force in each arm."""

    pattern: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class PlaceRows:
    """One edge or service, and what any arm has there."""

    place: str
    patterns: tuple[PatternRow, ...]


@dataclass(frozen=True)
class Protection:
    """Edges and services concerned or, in `missing`, the reason why none can be shown."""

    arms: tuple[str, ...]
    places: tuple[PlaceRows, ...]
    missing: str


def protection(result: Result, run_folder: Path) -> Protection:
    """What was in force at every place concerned. A map that cannot be read is said, not raised."""
    labels = tuple(arm_label(arm) for arm in result.arms)
    target = next((arm.fault.target for arm in result.arms if arm.fault), None)
    if target is None:
        return Protection(labels, (), "No fault was applied, so no edge was concerned.")
    folder = ExperimentFolder(run_folder)
    try:
        base = load_topology(folder.topology)
        maps = tuple(_of_arm(arm, folder) for arm in result.arms)
    except OSError as error:
        return Protection(labels, (), f"{Path(error.filename or '').name} of this run could not be read: {error.strerror}")
    except DocumentError as error:
        return Protection(labels, (), clip(f"{folder.topology.name} of this run is invalid: {error.mistakes[0]}"))
    except ValueError as error:
        return Protection(labels, (), clip(f"{folder.topology.name} does not fit this run: {error}"))
    edges = [
        _rows(edge, [_policy(each, edge) for each in maps], [str(pattern) for pattern in Pattern])
        for edge in _edges(base, maps, target)
    ]
    services = [_rows(name, [_service(each, name) for each in maps], _OF_SERVICE) for name in _services(base, maps, target)]
    places = tuple(rows for rows in (*edges, *services) if rows.patterns)[:MAX_PLACES]
    return Protection(labels, places, "" if places else f"No edge leads to {clip(target, 60)}.")


def _of_arm(arm: ArmResult, folder: ExperimentFolder) -> InForce:
    own = folder.arm(arm.name).topology
    topology = load_topology(own if own.exists() else folder.topology)  # Arms had no map of their own once.
    return InForce.of(topology, arm.profile, arm.without)


def _policy(arm: InForce, edge: str) -> EdgePolicy | None:
    return arm.policy(edge) if edge in arm.topology.edges else None


def _service(arm: InForce, name: str) -> Service | None:
    declared = arm.topology.services.get(name)
    return None if declared is None else declared.model_copy(update={"limit": arm.limit(name)})


def concerned(topology: Topology, target: str) -> tuple[str, ...]:
    """The target itself if it is an edge, else every edge that leads to its service."""
    if target in topology.edges:
        return (target,)
    service = target.partition("/")[0]
    return tuple(edge for edge in topology.edges if split_edge(edge)[1] == service)


def _edges(base: Topology, maps: Sequence[InForce], target: str) -> tuple[str, ...]:
    """Those that the fault concerns, and those that the experiment changes in any arm."""
    hit = concerned(base, target)
    return tuple(
        edge for edge in base.edges if edge in hit or _changed(edge, base.edges, [each.topology.edges for each in maps], maps)
    )


def _services(base: Topology, maps: Sequence[InForce], target: str) -> tuple[str, ...]:
    hit = split_edge(target)[1] if target in base.edges else target.partition("/")[0]
    return tuple(
        name
        for name in base.services
        if name == hit or _changed(name, base.services, [each.topology.services for each in maps], maps)
    )


def _changed(place: str, base: Mapping[str, object], arms: Sequence[Mapping[str, object]], maps: Sequence[InForce]) -> bool:
    """Whether any arm has something else there than the map that all came from, or switches a pattern off just there."""
    return any(arm.get(place) != base[place] for arm in arms) or any(
        switch.place == place for each in maps for switch in each.switches
    )


def _rows(place: str, parts: Sequence[BaseModel | None], keys: Sequence[str]) -> PlaceRows:
    """What each arm has at a place, one row a key; keys that no arm has are left out."""
    dumped = [{} if part is None else part.model_dump(mode="json", by_alias=True) for part in parts]
    rows = (PatternRow(key, tuple(_text(each.get(key)) for each in dumped)) for key in keys)
    return PlaceRows(place, tuple(row for row in rows if any(text != OFF for text in row.texts)))


def _text(value: object) -> str:
    if value is None:
        return OFF
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items() if item is not None) or "on"
    return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return "/".join(_plain(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
