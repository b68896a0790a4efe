"""Where a fault acts: `payments`, `payments/2` or `orders->payments`."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.targets.errors import UnknownPlaceError
from services.document import did_you_mean
from services.registry import Instance
from services.topology import Topology, split_edge


@dataclass(frozen=True)
class Place:
    """A service, one replica of it, or an edge, which lives in every replica of its caller.

    Attributes:
        service: The service whose processes are meant; of an edge, the caller.
        replica: Number of the replica, or None for all.
        edge: `caller->callee` for faults on the client side of that edge.
    """

    service: str
    replica: int | None = None
    edge: str | None = None

    @classmethod
    def parse(cls, text: str, topology: Topology) -> "Place":
        """Reads what a person wrote. Raises UnknownPlaceError with the nearest match and what is allowed."""
        if "->" in text:
            if text not in topology.edges:
                raise _unknown("edge", text, list(topology.edges))
            return cls(split_edge(text)[0], edge=text)
        if text.endswith("-") and text[:-1] in topology.services:
            raise UnknownPlaceError(f"{text!r} is an edge that lost its end: the shell redirects at >, so quote it: '{text}>...'")
        name, slash, number = text.partition("/")
        if name not in topology.services:
            raise _unknown("service", name, list(topology.services))
        replicas = [f"{name}/{each}" for each in range(1, topology.services[name].replicas + 1)]
        if slash and text not in replicas:
            raise _unknown("replica", text, replicas)
        return cls(name, int(number) if slash else None)

    def covers(self, instance: Instance) -> bool:
        """Whether a fault at this place acts in that process."""
        return instance.service == self.service and self.replica in (None, instance.replica)

    def __str__(self) -> str:
        return self.edge or (f"{self.service}/{self.replica}" if self.replica else self.service)


def _unknown(what: str, text: str, allowed: Sequence[str]) -> UnknownPlaceError:
    return UnknownPlaceError(f"unknown {what} {text!r}{did_you_mean(text, allowed)}; allowed: {', '.join(allowed) or 'none'}")
