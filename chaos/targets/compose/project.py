"""One Compose project, as its containers tell of it: who they are, with which secrets and settings they were started."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from chaos.targets.compose.engine import WORKING_DIR_LABEL, Container
from chaos.targets.errors import TargetError
from services.registry import Instance, InstanceState
from services.topology import Topology, load_topology
from testbed.control import NotRunningError
from testbed.run import STATE_ROOT, Secrets

SERVICE_LABEL: Final = "firebreak.service"
REPLICA_LABEL: Final = "firebreak.replica"
SERVICE_PORT: Final = 8_080
MAP_INSIDE: Final = "/etc/firebreak/topology.yaml"
HOST: Final = "127.0.0.1"
_DATABASE: Final = "FIREBREAK_DATABASE_URL"


@dataclass(frozen=True)
class Project:
    """Its containers at one moment.

    Attributes:
        name: Of the project.
        services: Containers of the system's own services by instance, such as `orders/2`.
        others: Containers beside them by their name in the Compose file, such as `prometheus`.
    """

    name: str
    services: Mapping[str, Container]
    others: Mapping[str, Container]

    @classmethod
    def of(cls, name: str, containers: tuple[Container, ...]) -> "Project":
        """Sorts the containers of a project. Raises NotRunningError when none of them is a service's."""
        services = {each: container for container in containers if (each := _instance_name(container))}
        if not services:
            raise NotRunningError(f"no Compose project {name!r} runs; start it with: make up")
        others = {each.compose_service: each for each in containers if each.id not in {own.id for own in services.values()}}
        return cls(name, services, others)

    @property
    def any_service(self) -> Container:
        """One that runs, if any does: what all of them share can be read from it."""
        return next((each for each in self.services.values() if each.runs), next(iter(self.services.values())))

    @property
    def working_dir(self) -> Path:
        """Where its Compose file is. Raises TargetError when its containers do not tell."""
        path = self.any_service.labels.get(WORKING_DIR_LABEL, "")
        if not path:
            raise TargetError(f"the containers of {self.name!r} do not tell their folder; start them by Docker Compose: make up")
        return Path(path)

    @property
    def folder(self) -> Path:
        """What we keep of it: kill leases and their journal."""
        return self.working_dir / STATE_ROOT / "compose" / self.name

    @property
    def topology_path(self) -> Path:
        """The map that it was started from. Raises TargetError when its containers have none."""
        path = self.any_service.mounts.get(MAP_INSIDE, "")
        if not path:
            raise TargetError(f"{self.any_service.name} has no map mounted at {MAP_INSIDE}; start it anew: make up")
        return Path(path)

    def topology(self) -> Topology:
        """The map. Raises TargetError or DocumentError."""
        return load_topology(self.topology_path)

    def setting(self, name: str) -> str:
        """What its services were told in a variable FIREBREAK_<name>; empty when nothing."""
        return self.any_service.environment.get(f"FIREBREAK_{name}", "")

    def secrets(self) -> Secrets:
        """Its tokens."""
        return Secrets(
            internal_token=self.setting("INTERNAL_TOKEN"),
            chaos_token=self.setting("CHAOS_TOKEN"),
            signing_key=self.setting("SIGNING_KEY"),
        )

    def databases(self) -> str:
        """What the names of its databases begin with; empty when it has none."""
        for name, container in self.services.items():
            database = urlsplit(container.environment.get(_DATABASE, "")).path.removeprefix("/")
            if database:
                return database.removesuffix(f"_{name.partition('/')[0]}")
        return ""

    def instances(self, topology: Topology) -> tuple[Instance, ...]:
        """Every replica of the map, in its order; one without a container is down."""
        names = [(name, number) for name, service in topology.services.items() for number in range(1, service.replicas + 1)]
        return tuple(instance_of(name, number, self.services.get(f"{name}/{number}")) for name, number in names)

    def check(self, topology: Topology) -> None:
        """Raises TargetError for containers that do not belong together."""
        known = {each.name for each in self.instances(topology)}
        for name, container in self.services.items():
            if name not in known:
                raise TargetError(
                    f"container {container.name} says that it is {name}, which {self.topology_path} does not have; "
                    f"remove it: docker rm --force {container.name}"
                )
        profiles = {container.environment.get("FIREBREAK_PROFILE", ""): name for name, container in self.services.items()}
        if len(profiles) > 1:
            said = " and ".join(f"{name} with profile {profile or 'declared'}" for profile, name in profiles.items())
            raise TargetError(f"the containers are of different starts: {said}; start them anew: make up")

    def address(self, other: str, port: int) -> str:
        """Root of the pages of a container beside the services; empty when it does not run or publishes no such port."""
        container = self.others.get(other)
        published = container.ports.get(port) if container and container.runs else None
        return f"http://{HOST}:{published}" if published else ""


def instance_of(service: str, replica: int, container: Container | None) -> Instance:
    """What a registry would say of a container: at the port that it publishes on this machine."""
    state = InstanceState.DOWN
    if container is not None and container.runs:
        state = InstanceState.STARTING if container.health == "starting" else InstanceState.UP
    port = container.ports.get(SERVICE_PORT, 0) if container is not None and container.runs else 0
    return Instance(service=service, replica=replica, host=HOST, port=port, pid=0, state=state)


def _instance_name(container: Container) -> str:
    service, replica = container.labels.get(SERVICE_LABEL, ""), container.labels.get(REPLICA_LABEL, "")
    return f"{service}/{replica}" if service and replica.isdecimal() else ""
