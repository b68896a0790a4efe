"""What protects the system of one arm."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.policy import EdgePolicy, Limit, Profile, Switch, effective_limit, effective_policy
from services.topology import Topology


@dataclass(frozen=True)
class InForce:
    """An arm's map under its profile and its switches."""

    topology: Topology
    profile: Profile
    switches: tuple[Switch, ...]

    @classmethod
    def of(cls, topology: Topology, profile: str, without: Iterable[str]) -> "InForce":
        """As an arm states it. Raises ValueError for a profile or a switch that there is not."""
        return cls(topology, Profile(profile), tuple(topology.switch(text) for text in without))

    def policy(self, edge: str) -> EdgePolicy:
        """Of an edge. Raises KeyError when the map has no such edge."""
        return effective_policy(self.topology.edges[edge], edge, self.profile, self.switches)

    def limit(self, service: str) -> Limit | None:
        """Of a service. Raises KeyError when the map has no such service."""
        return effective_limit(self.topology.services[service].limit, service, self.profile, self.switches)
