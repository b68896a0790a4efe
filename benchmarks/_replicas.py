"""FeastFast's map with other numbers of replicas."""

from collections.abc import Callable
from pathlib import Path

import yaml

from services.topology import Service, Topology, default_topology_path, load_topology


def with_replicas(path: Path, wanted: Callable[[str, Service], int]) -> Topology:
    """Writes the changed map to `path` and returns it. Raises OSError, or DocumentError when it is none any more.

    Args:
        path: Of the new file.
        wanted: Replicas of a service, by its name and what it is.
    """
    services = load_topology().services
    document = yaml.safe_load(default_topology_path().read_text(encoding="utf-8"))
    for name, service in services.items():
        document["services"][name]["replicas"] = wanted(name, service)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return load_topology(path)
