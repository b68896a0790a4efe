"""What a container is to keep, read from its environment and checked before anything starts.

The service itself checks the URL of its database, since whoever looks into it imports a toolkit of 10 MiB.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from services.addresses import registry_at
from services.kit.settings import Settings, SettingsError
from services.registry import Instance
from services.topology import Topology
from testbed.container import places
from testbed.plan import InstancePlan
from testbed.ports import HOST

_DATABASE: Final = "FIREBREAK_DATABASE_URL"
_REQUIRED: Final = ("internal_token", "chaos_token", "signing_key", "addresses")


@dataclass(frozen=True)
class ContainerPlan:
    """One replica."""

    settings: Settings
    instance: InstancePlan
    address: Instance
    """Where others reach the replica."""
    data: str
    """Where it keeps its own, for people; empty when it keeps none."""


def plan_container(environment: Mapping[str, str], folder: Path) -> ContainerPlan:
    """What this container is to keep, with its sockets in `folder`.

    Raises:
        SettingsError: The environment does not describe a replica of the map; the text names the variable.
        DocumentError: The map cannot be used.
        ValueError: A switched-off pattern does not exist.
    """
    settings = Settings.from_environment({name: value for name, value in environment.items() if name != _DATABASE})
    missing = [f"FIREBREAK_{name.upper()}" for name in _REQUIRED if not getattr(settings, name)]
    if missing:
        raise SettingsError(f"{', '.join(missing)}: not set, and a service in a container needs it; see: compose.yaml")
    if not settings.port:
        raise SettingsError("FIREBREAK_PORT: a container's port is known to others; allowed: 1 to 65535")
    topology = settings.load_topology()
    settings.switches(topology)
    address = _address(settings, topology)
    service = topology.services[settings.service]
    own = {"NOTIFY_SOCKET": str(folder / places.NOTIFY)}
    return ContainerPlan(
        settings=settings,
        instance=InstancePlan(settings.service, settings.replica, service.module, settings.port, own, Path(places.OUTPUT), HOST),
        address=address,
        data=_describe(environment.get(_DATABASE, "")) if service.database else "",
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


def _describe(database: str) -> str:
    """A URL for people: without user and password."""
    try:
        parts = urlsplit(database)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    except ValueError:
        return ""
