"""How the calls that the fault hit were protected in each arm, from the copy of the topology in the run's folder."""

from dataclasses import dataclass
from pathlib import Path

from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.report.formats import clip
from chaos.experiment.report.marks import arm_label
from chaos.experiment.result import ArmResult, Result
from services.document import DocumentError
from services.policy import EdgePolicy, Pattern, Profile, effective_policy
from services.topology import Topology, load_topology, split_edge

MAX_EDGES = 12
OFF = "off"


@dataclass(frozen=True)
class PatternRow:
    """One pattern of one edge: its parameters in force in each arm."""

    pattern: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class EdgeRows:
    """One edge and the patterns that any arm has on it."""

    edge: str
    patterns: tuple[PatternRow, ...]


@dataclass(frozen=True)
class Protection:
    """Edges that lead to what the fault hit or, in `missing`, the reason why none can be shown."""

    arms: tuple[str, ...]
    edges: tuple[EdgeRows, ...]
    missing: str


def protection(result: Result, run_folder: Path) -> Protection:
    """What was in force on every edge concerned. A topology that cannot be read is said, not raised."""
    arms = tuple(arm_label(arm) for arm in result.arms)
    target = next((arm.fault.target for arm in result.arms if arm.fault), None)
    if target is None:
        return Protection(arms, (), "No fault was applied, so no edge was concerned.")
    path = ExperimentFolder(run_folder).topology
    try:
        topology = load_topology(path)
        edges = tuple(_edge_rows(topology, edge, result.arms) for edge in concerned(topology, target)[:MAX_EDGES])
    except OSError as error:
        return Protection(arms, (), f"{path.name} of this run could not be read: {error.strerror}")
    except DocumentError as error:
        return Protection(arms, (), clip(f"{path.name} of this run is invalid: {error.mistakes[0]}"))
    except ValueError as error:
        return Protection(arms, (), clip(f"{path.name} does not fit this run: {error}"))
    return Protection(arms, edges, "" if edges else f"No edge leads to {clip(target, 60)}.")


def concerned(topology: Topology, target: str) -> tuple[str, ...]:
    """The target itself if it is an edge, else every edge that leads to its service."""
    if target in topology.edges:
        return (target,)
    service = target.partition("/")[0]
    return tuple(edge for edge in topology.edges if split_edge(edge)[1] == service)


def _edge_rows(topology: Topology, edge: str, arms: tuple[ArmResult, ...]) -> EdgeRows:
    policies = [_policy(topology, edge, arm) for arm in arms]
    rows = (
        PatternRow(pattern.value, tuple(_parameters(policy, pattern) for policy in policies))
        for pattern in Pattern
        if not pattern.of_service
    )
    return EdgeRows(edge, tuple(row for row in rows if any(text != OFF for text in row.texts)))


def _policy(topology: Topology, edge: str, arm: ArmResult) -> EdgePolicy:
    switches = tuple(topology.switch(text) for text in arm.without)
    return effective_policy(topology.edges[edge], edge, Profile(arm.profile), switches)


def _parameters(policy: EdgePolicy, pattern: Pattern) -> str:
    value = policy.model_dump(mode="json", by_alias=True)[pattern.value]
    if value is None:
        return OFF
    if not isinstance(value, dict):
        return _plain(value)
    return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())


def _plain(value: object) -> str:
    if isinstance(value, list):
        return "/".join(_plain(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
