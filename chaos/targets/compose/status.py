"""A Compose project as a SystemStatus: in the words in which a supervisor tells of a local system."""

from collections.abc import Mapping
from typing import Final

from chaos.targets.compose.engine import Container
from chaos.targets.compose.kill_record import KillRecord
from chaos.targets.compose.project import Project, instance_of
from services.registry import Instance, InstanceState
from services.topology import Topology
from testbed.control import ProcessLease, ProgramStatus, SystemStatus

PAGES: Final = {
    "traces": ("jaeger", 16_686),
    "prometheus": ("prometheus", 9_090),
    "alertmanager": ("alertmanager", 9_093),
    "grafana": ("grafana", 3_000),
}
"""What people open, by name: whose container and which port of it."""


def status_of(
    project: Project, topology: Topology, instances: tuple[Instance, ...], leases: tuple[ProcessLease, ...]
) -> SystemStatus:
    """What runs, where, and these faults; who is held down by one does not make the system degraded."""
    held = {each.instance for each in leases if each.kind == "kill"}
    states = {each.state for each in instances if each.name not in held}
    entry = next(each for each in instances if each.service == topology.entry)
    pages = {name: project.address(*where) for name, where in PAGES.items()}
    addresses = ({topology.entry: entry.base_url} if entry.port else {}) | {name: each for name, each in pages.items() if each}
    return SystemStatus(
        run_id=project.setting("RUN_ID") or project.name,
        phase="starting" if InstanceState.STARTING in states else "degraded" if InstanceState.DOWN in states else "ready",
        profile=project.setting("PROFILE") or "declared",
        without=tuple(part for part in project.setting("WITHOUT").split(",") if part),
        topology=str(project.topology_path),
        tracing=project.setting("TRACING") or "default",
        trace_ratio=float(project.setting("TRACE_RATIO") or 1.0),
        data=f"PostgreSQL, databases {project.databases()}_*",
        started_at=min(each.started_at for each in project.services.values()),
        supervisor_pid=0,
        instances=instances,
        addresses=addresses,
        otlp_endpoint=project.setting("OTLP_ENDPOINT"),
        leases=leases,
        stack=tuple(_program(name, each, pages) for name, each in sorted(project.others.items()) if _stays(each)),
    )


def as_kept(instance: Instance, said: SystemStatus | None) -> Instance:
    """An instance with the state that its keeper tells; its address is the engine's, for that inside is of no use here."""
    kept = said.instances[0] if said and said.instances else None
    return instance if kept is None else instance.model_copy(update={"state": kept.state, "pid": kept.pid})


def lease_of(record: KillRecord) -> ProcessLease:
    """The lease of a container that is held down."""
    return ProcessLease(
        id=record.id,
        kind="kill",
        instance=record.instance,
        granted_at=record.granted_at,
        remaining_ms=round(record.remaining_s() * 1_000, 3),
        source=record.source,
    )


def _stays(container: Container) -> bool:
    """Not one that ended when its work was done, as the migrator does."""
    return container.state not in ("exited", "created") or bool(container.health)


def _program(name: str, container: Container, pages: Mapping[str, str]) -> ProgramStatus:
    address = next((pages[page] for page, (other, _) in PAGES.items() if other == name), "")
    return ProgramStatus(name=name, state=instance_of(name, 1, container).state, address=address)
