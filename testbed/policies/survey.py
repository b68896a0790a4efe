"""What is in force in a running system, beside what its map declares."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.kit.policies.messages import PolicyLease, PolicyState
from services.policy.assignment import ServicePolicy, parameters
from services.policy.change import Change, Reprofile
from services.topology import Topology, split_edge
from testbed.control import SystemStatus

Parameters = Mapping[str, str]
"""As they are assigned, by key: `{"retry.max_attempts": "2"}`."""


@dataclass(frozen=True)
class InForce:
    """What is in force at one place, in these processes, which agree."""

    instances: tuple[str, ...]
    parameters: Parameters


@dataclass(frozen=True)
class ChangeInForce:
    """One change, with the time left in each process that holds it, and the processes that should and do not."""

    id: str
    change: Change
    source: str
    left_ms: Mapping[str, float]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class PolicySurvey:
    """All that is known of a system's policies at one moment.

    Attributes:
        system: Its status.
        topology: Its map.
        states: What each process said that answered.
        silent: Those that were asked and did not. One that is paused on order is not asked.
    """

    system: SystemStatus
    topology: Topology
    states: Mapping[str, PolicyState]
    silent: tuple[str, ...] = ()

    @property
    def services(self) -> tuple[str, ...]:
        """All of the map, in its order."""
        return tuple(self.topology.services)

    @property
    def edges(self) -> tuple[str, ...]:
        """All of the map, in its order."""
        return tuple(self.topology.edges)

    def declared(self, place: str) -> Parameters:
        """What the map says of an edge or a service."""
        if place in self.topology.edges:
            return parameters(self.topology.edges[place])
        return parameters(ServicePolicy(limit=self.topology.services[place].limit))

    def in_force(self, place: str) -> tuple[InForce, ...]:
        """What the processes say of it; more than one entry when they disagree, none when nobody answered."""
        service = owner_of(place)
        groups: list[InForce] = []
        for name, state in self.states.items():
            if state.service != service:
                continue
            found = state.edges.get(place, {}) if place in self.topology.edges else state.limit
            same = next((group for group in groups if group.parameters == found), None)
            if same is not None:
                groups[groups.index(same)] = InForce((*same.instances, name), found)
            else:
                groups.append(InForce((name,), found))
        return tuple(groups)

    def changes(self, place: str | None = None) -> tuple[ChangeInForce, ...]:
        """Changes in force, oldest first: all, or those that concern a place.

        A process that was started again while others went on holds none; it is missing then.
        """
        held: dict[str, dict[str, PolicyLease]] = {}
        for name, state in self.states.items():
            for lease in state.leases:
                held.setdefault(lease.id, {})[name] = lease
        by_age = sorted(held.items(), key=lambda item: -max(lease.age_ms for lease in item[1].values()))
        found = [self._change(lease_id, leases) for lease_id, leases in by_age]
        return tuple(each for each in found if place is None or each.change.place in (None, place))

    def _change(self, lease_id: str, leases: Mapping[str, PolicyLease]) -> ChangeInForce:
        first = next(iter(leases.values()))
        services = concerned(first.change, self.topology)
        missing = tuple(name for name, state in self.states.items() if state.service in services and name not in leases)
        left_ms = {name: lease.remaining_ms for name, lease in leases.items()}
        return ChangeInForce(lease_id, first.change, first.source, left_ms, missing)


def owner_of(place: str) -> str:
    """The service whose processes hold what is in force at a place: of an edge, the caller."""
    return split_edge(place)[0] if "->" in place else place


def concerned(change: Change, topology: Topology) -> frozenset[str]:
    """The services whose processes hold a change."""
    if change.place is not None:
        return frozenset({owner_of(change.place)})
    if isinstance(change, Reprofile) or change.pattern.of_service:
        return frozenset(topology.services)
    return frozenset(map(owner_of, topology.edges))
