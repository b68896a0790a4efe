"""What a container is to keep, read from its environment and checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.kit.addresses import registry_at
from services.kit.database_url import parse_database_url
from services.kit.settings import Settings, SettingsError
from services.registry import Instance
from services.topology import Topology
from testbed import exporting
from testbed.container import places
from testbed.plan import InstancePlan
from testbed.ports import HOST
from testbed.process import Command

_REQUIRED: Final = ("internal_token", "chaos_token", "signing_key", "addresses")


@dataclass(frozen=True)
class ContainerPlan:
    """One replica and, where spans are exported, the process that does so."""

    settings: Settings
    instance: InstancePlan
    exporter: Command | None
    address: Instance
    """Where others reach the replica."""
    data: str
    """Where it keeps its own, for people; empty when it keeps none."""

    @property
    def modules(self) -> tuple[str, ...]:
        """What its processes run."""
        return (self.instance.module, *([self.exporter.module] if self.exporter else []))


def plan_container(environment: Mapping[str, str]) -> ContainerPlan:
    """What this container is to keep.

    Raises:
        SettingsError: The environment does not describe a replica of the map; the text names the variable.
        DocumentError: The map cannot be used.
        ValueError: A switched-off pattern does not exist.
    """
    settings = Settings.from_environment(environment)
    missing = [f"FIREBREAK_{name.upper()}" for name in _REQUIRED if not getattr(settings, name)]
    if missing:
        raise SettingsError(f"{', '.join(missing)}: not set, and a service in a container needs it; see: compose.yaml")
    if not settings.port:
        raise SettingsError("FIREBREAK_PORT: a container's port is known to others; allowed: 1 to 65535")
    topology = settings.load_topology()
    settings.switches(topology)
    address = _address(settings, topology)
    own = {"NOTIFY_SOCKET": places.NOTIFY, "FIREBREAK_EXPORTER": places.EXPORTER if settings.otlp_endpoint else ""}
    module = topology.services[settings.service].module
    output = Path(places.OUTPUT)
    return ContainerPlan(
        settings=settings,
        instance=InstancePlan(settings.service, settings.replica, module, settings.port, own, output, HOST),
        exporter=_exporter(settings, output),
        address=address,
        data=_data(settings, topology),
    )


def _address(settings: Settings, topology: Topology) -> Instance:
    """Raises SettingsError when the map has no such replica."""
    instances = registry_at(topology, settings.addresses).instances
    found = next((each for each in instances if each.name == settings.instance), None)
    if found is None:
        allowed = ", ".join(each.name for each in instances)
        raise SettingsError(
            f"FIREBREAK_SERVICE, FIREBREAK_REPLICA: {settings.topology} has no {settings.instance}; allowed: {allowed}"
        )
    return found


def _exporter(settings: Settings, output: Path) -> Command | None:
    if not settings.otlp_endpoint:
        return None
    environment = {"FIREBREAK_EXPORTER": places.EXPORTER, "FIREBREAK_OTLP_ENDPOINT": settings.otlp_endpoint}
    return Command(f"{exporting.NAME}/1", exporting.EXPORTER, environment, output)


def _data(settings: Settings, topology: Topology) -> str:
    if not topology.services[settings.service].database:
        return ""
    return parse_database_url(settings.database_url).set(username=None, password=None).render_as_string()
