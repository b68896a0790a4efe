"""Who depends on whom, and so whose alert explains whose.

A callee's alert silences the alerts of all who call it, directly or through others, and of the journeys that say they need it.
The entry's silences no journey: what it answers is the sum of all, so that one with a reason of its own would vanish in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from observability.slo.model import JourneyObjectives
from services.policy import EdgePolicy
from services.topology import Topology, split_edge


@dataclass(frozen=True)
class Silenced:
    """Whose alerts one service's alert explains."""

    services: tuple[str, ...]
    journeys: tuple[str, ...]


def call_edges(topology: Topology) -> tuple[str, ...]:
    """Edges over which somebody waits for an answer. One that events use and that declares nothing is there for them alone."""
    told = {f"{route.producer}->{consumer}" for route in topology.events.values() for consumer in route.consumers}
    return tuple(edge for edge, policy in topology.edges.items() if not (edge in told and policy == EdgePolicy()))


def silenced_by(topology: Topology, journeys: Mapping[str, JourneyObjectives]) -> dict[str, Silenced]:
    """By service. Two that call each other silence neither: each would explain the other, and nobody would be called."""
    callers = _transitive_callers(topology)
    return {
        service: Silenced(
            services=tuple(each for each in topology.services if each in callers[service] and service not in callers[each]),
            journeys=tuple(name for name, journey in journeys.items() if service in journey.needs),
        )
        for service in topology.services
    }


def _transitive_callers(topology: Topology) -> dict[str, frozenset[str]]:
    direct: dict[str, set[str]] = {service: set() for service in topology.services}
    for edge in call_edges(topology):
        caller, callee = split_edge(edge)
        direct[callee].add(caller)
    return {service: _closure(service, direct) for service in topology.services}


def _closure(service: str, direct: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [service]
    while waiting:
        fresh = direct[waiting.pop()] - found
        found |= fresh
        waiting += fresh
    return frozenset(found)
