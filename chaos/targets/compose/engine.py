"""What is asked of a container engine, and what can go wrong with it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from chaos.targets.errors import TargetError

PROJECT_LABEL: Final = "com.docker.compose.project"
COMPOSE_SERVICE_LABEL: Final = "com.docker.compose.service"
WORKING_DIR_LABEL: Final = "com.docker.compose.project.working_dir"
CONFIG_FILES_LABEL: Final = "com.docker.compose.project.config_files"
ENV_FILES_LABEL: Final = "com.docker.compose.project.environment_file"
ONE_OFF_LABEL: Final = "com.docker.compose.oneoff"


class EngineError(TargetError):
    """The engine cannot do what was asked, or there is none; the text says which and what to do."""


class GoneError(EngineError):
    """There is no such container any more."""


class StoppedError(EngineError):
    """The container does not run, so that nothing can be run in it."""


@dataclass(frozen=True)
class Container:
    """One container of a project, as the engine describes it.

    Attributes:
        id: The engine's; another one as soon as the container is made anew.
        name: For people.
        labels: Compose's and the project's own.
        environment: What its process was started with, secrets included: never shown.
        state: created, running, paused, restarting, removing, exited or dead.
        health: starting, healthy or unhealthy; empty without a health check.
        started_at: Unix time of its last start, seconds; 0 before the first one.
        ports: Port on this machine by the container's own, as far as they are published.
        mounts: Path on this machine by the path inside.
        exit_code: Of its process, once that has ended.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    environment: Mapping[str, str] = field(repr=False)
    state: str
    health: str
    started_at: float
    ports: Mapping[int, int]
    mounts: Mapping[str, str]
    exit_code: int = 0

    @property
    def runs(self) -> bool:
        """Whether its processes run."""
        return self.state == "running"

    @property
    def compose_service(self) -> str:
        """Its name in the Compose file, such as `orders-2`."""
        return self.labels.get(COMPOSE_SERVICE_LABEL, self.name)


class Engine(Protocol):
    """A container engine. Every method raises EngineError."""

    def containers(self, project: str) -> tuple[Container, ...]:
        """Those of a Compose project, stopped ones included; empty when there is no such project."""
        ...

    def run_inside(self, container_id: str, command: Sequence[str], stdin: bytes = b"", timeout_s: float = 5.0) -> bytes:
        """Runs a command in a running container; returns what it wrote to its standard output."""
        ...

    def kill(self, container_ids: Collection[str]) -> None:
        """Kills containers (SIGKILL). The engine does not restart them then, whatever their policy; who is down stays so."""
        ...

    def start(self, container_ids: Collection[str]) -> None:
        """Starts containers; passes over those that run and those that are gone."""
        ...

    def states(self, container_ids: Collection[str]) -> Mapping[str, str]:
        """The state of each that there is."""
        ...
