"""The embedded store of spans and logs in a system: kept like a service, but an instrument, so no target of faults."""

from typing import Final

from services.topology import Topology
from testbed.exporting import EXPORTER
from testbed.migration import MIGRATOR

TELEMETRY: Final = "telemetry"
"""Its service name; `telemetry/1` is its one instance."""
STORE_MODULE: Final = "observability.store.main"


def modules_of(topology: Topology, *, exporter: bool = False) -> tuple[str, ...]:
    """Modules that a system's processes run, each once; first what every service with data waits for."""
    exporting = (EXPORTER,) if exporter else ()
    migrator = (MIGRATOR,) if any(service.database for service in topology.services.values()) else ()
    services = (service.module for service in topology.services.values())
    return tuple(dict.fromkeys((*migrator, STORE_MODULE, *services, *exporting)))
