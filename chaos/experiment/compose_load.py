"""A load of this machine, told to the Prometheus of a Compose project, which is elsewhere: in a container."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from chaos.experiment.load_process import LoadSchedule
from chaos.targets.compose.docker import Docker, DockerCommand
from chaos.targets.compose.engine import EngineError
from testbed.compose.configuration import TARGETS
from testbed.load_target import forget_dead_loads
from testbed.ports import free_port

DESKTOP: Final = "host.docker.internal"
"""This machine's loopback, as containers of Docker Desktop reach it."""


def shown_to_containers(
    schedule: LoadSchedule, project: str, docker: Docker | None = None, targets: Path = TARGETS
) -> LoadSchedule:
    """The same load, with metrics where the project's containers reach them.

    On Linux that is this machine's end of their network, which nobody else reaches. Docker Desktop's containers are in a virtual
    machine, and have a name for this one's loopback. Without either the load runs all the same, unknown to Prometheus.
    """
    forget_dead_loads(targets)
    gateway = _gateway(docker or DockerCommand(Path()), project)
    if gateway and _is_here(gateway):
        return replace(schedule, targets=targets, metrics_host=gateway, metrics_seen_at=gateway)
    return replace(schedule, targets=targets, metrics_seen_at=DESKTOP)


def _gateway(docker: Docker, project: str) -> str:
    try:
        answer = docker.ask("network", "inspect", f"{project}_default", "--format", "{{(index .IPAM.Config 0).Gateway}}")
    except EngineError:
        return ""
    return answer.out.strip() if answer.code == 0 else ""


def _is_here(address: str) -> bool:
    try:
        free_port(address)
    except OSError:
        return False
    return True
