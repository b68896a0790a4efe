"""Where replicas are, when their addresses follow from their names: containers, and everything else that has names of its own."""

from string import Formatter
from typing import Final
from urllib.parse import urlsplit

from services.registry import Instance, InstanceState, Registry
from services.topology import Topology

_FIELDS: Final = {"service", "replica"}
_HOW: Final = (
    "write http://{service}-{replica}:8080, where {service} and {replica} stand for a service's name and a replica's number"
)


def check_addresses(pattern: str) -> str:
    """`pattern` itself, when every replica can have an address by it; empty means that the registry file tells.

    Raises:
        ValueError: It is no such pattern; the text says how to write one.
    """
    if not pattern:
        return pattern
    try:
        fields = {name for _text, name, _format, _conversion in Formatter().parse(pattern) if name is not None}
        _place(pattern, "name", 1)
    except (ValueError, KeyError, IndexError, AttributeError):  # Python's texts for a wrong pattern speak of formats.
        fields = set()
    if fields != _FIELDS:
        raise ValueError(f"no pattern of addresses; {_HOW}")
    return pattern


def registry_at(topology: Topology, pattern: str) -> Registry:
    """Every replica of the map at the address that `pattern`, which was checked, makes of its name. All are said to be up."""
    return Registry(
        instances=tuple(
            _instance(pattern, service, replica)
            for service, node in topology.services.items()
            for replica in range(1, node.replicas + 1)
        )
    )


def _instance(pattern: str, service: str, replica: int) -> Instance:
    host, port = _place(pattern, service, replica)
    return Instance(service=service, replica=replica, host=host, port=port, pid=0, state=InstanceState.UP)


def _place(pattern: str, service: str, replica: int) -> tuple[str, int]:
    """Raises ValueError when the address is not http://HOST:PORT."""
    parts = urlsplit(pattern.format(service=service, replica=replica))
    if parts.scheme != "http" or not parts.hostname or not parts.port or parts.netloc != f"{parts.hostname}:{parts.port}":
        raise ValueError("not http://HOST:PORT")
    if parts.path or parts.query or parts.fragment:
        raise ValueError("more than http://HOST:PORT")
    return parts.hostname, parts.port
