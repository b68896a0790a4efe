"""What the supervisor tells Prometheus: how many replicas are in which state, how often they were restarted, who is at fault.

Imported at the first scrape, because the library that it needs would delay every start.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from observability import names
from services.registry import InstanceState
from testbed.control import ProcessLease

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
PAUSED: Final = "paused"
STATES: Final = (*map(str, InstanceState), PAUSED)


@dataclass(frozen=True)
class Kept:
    """One replica as the supervisor knows it."""

    service: str
    name: str
    state: InstanceState
    restarts: int


class SystemMetrics(Collector):
    """A system at one moment.

    Args:
        replicas: All of them.
        leases: The process faults in force.
    """

    def __init__(self, replicas: Sequence[Kept], leases: Sequence[ProcessLease]) -> None:
        self._replicas = replicas
        self._leases = leases

    def collect(self) -> Iterable[Metric]:
        """Its metrics; every service has every state, so that none disappears with its last replica in it."""
        paused = {lease.instance for lease in self._leases if lease.kind == "pause"}
        states = Counter((replica.service, _state(replica, paused)) for replica in self._replicas)
        restarts = Counter[str]()
        for replica in self._replicas:
            restarts[replica.service] += replica.restarts
        faults = Counter((lease.kind, lease.instance.partition("/")[0]) for lease in self._leases)

        kept = GaugeMetricFamily(
            names.TESTBED_REPLICAS, "Replicas of a service in a state.", labels=[names.LABEL_SERVICE, names.LABEL_STATE]
        )
        again = CounterMetricFamily(
            names.TESTBED_RESTARTS, "Processes started in the place of others.", labels=[names.LABEL_SERVICE]
        )
        acting = GaugeMetricFamily(names.CHAOS_ACTIVE, "Process faults in force.", labels=[names.LABEL_FAULT, names.LABEL_PLACE])
        for service in restarts:
            again.add_metric([service], restarts[service])
            for state in STATES:
                kept.add_metric([service, state], states[service, state])
        for (kind, service), count in faults.items():
            acting.add_metric([kind, service], count)
        return [kept, again, acting]


def exposition(replicas: Sequence[Kept], leases: Sequence[ProcessLease]) -> bytes:
    """The answer to a scrape."""
    return generate_latest(SystemMetrics(replicas, leases))


def _state(replica: Kept, paused: set[str]) -> str:
    return PAUSED if replica.name in paused and replica.state is InstanceState.UP else str(replica.state)
