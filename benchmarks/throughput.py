"""How many orders a second FeastFast takes with 1, 2 and 4 replicas of payments, how long they take, and what the limit is.

    python -m benchmarks.throughput

Each number of replicas gets a system of its own. Orders arrive at a rate that does not wait for answers (Poisson, seeded), for
2 s that are not counted and 6 s that are. The highest rate at which every order is accepted and p95 stays below 1 s is searched
by halving, between nothing and a tenth more than the acquirer can take: an order needs two calls of it (authorise, capture), and
a replica of payments has 3 slots of 40 ms, which is 37.5 orders a second. Latencies at rest are those at half of that rate.

The search sees steps of a few seconds each, so that the rate is right to about 5 %. Beside it stands how busy the acquirer's
slots and the machine's processors were: the busier of the two is what limits. It takes about four minutes.
"""

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks._order_load import MAX_CONNECTIONS, OrderLoad, Step
from benchmarks._replicas import with_replicas
from services.topology import Topology
from testbed.control import SystemStatus
from testbed.launch import LaunchOptions, launch, stop
from testbed.terminal import console, table

REPLICAS: Final = (1, 2, 4)
PAYMENTS: Final = "payments"
CALLS_AN_ORDER: Final = 2
P95_MS: Final = 1_000.0
SEARCH_STEPS: Final = 5
SEED: Final = 7
REST_S: Final = 1.0
RECOVERY_S: Final = 6.0
"""After a step that was too much: breakers try again after 5 s."""


@dataclass(frozen=True)
class Found:
    """What one number of replicas can do."""

    replicas: int
    slots_rate: float
    """Orders a second that the acquirer's slots could take."""
    best: Step
    half: Step

    @property
    def slots_share(self) -> float:
        """How busy the slots were at the highest rate, 0 to 1."""
        return self.best.rate / self.slots_rate

    @property
    def limit(self) -> str:
        """What was busier."""
        busy = self.best.usage.busy_share if self.best.usage else 0.0
        return "acquirer slots" if self.slots_share >= busy else "processors"


def main() -> int:
    """Prints the table; 1 when a system took no order at all."""
    out = console()
    rows = table(
        *("payments", "acquirer allows", "orders a second", "p50 / p95", "at half: p50 / p95", "slots", "processors", "limit"),
        right=("payments", "acquirer allows", "orders a second", "slots", "processors"),
    )
    profiles = []
    for replicas in REPLICAS:
        found = measure(replicas)
        if found is None:
            out.print(f"with {replicas} replicas of payments no order was taken")
            return 1
        busy = found.best.usage.busy_share if found.best.usage else 0.0
        rows.add_row(
            str(replicas),
            f"{found.slots_rate:.1f}",
            f"{found.best.rate:.1f}",
            _latencies(found.best),
            _latencies(found.half),
            f"{found.slots_share:.0%}",
            f"{busy:.0%}",
            found.limit,
        )
        profiles.append(f"{replicas} replicas: {_profile(found.best)}")
    out.print(rows)
    out.print("\nprocessor time an order at the highest rate:")
    for profile in profiles:
        out.print(f"  {profile}", soft_wrap=True)
    return 0


def measure(replicas: int) -> Found | None:
    """Searches on a fresh system. None when even the lowest rate was too much. Raises ControlError when it does not start."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "topology.yaml"
        topology = with_replicas(path, lambda name, service: replicas if name == PAYMENTS else service.replicas)
        state = Path(folder) / "state"
        system = launch(LaunchOptions(state=state, topology=path, free_ports=True, seed=SEED, die_with_parent=True))
        try:
            return asyncio.run(_search(system, topology))
        finally:
            stop(state)


async def _search(system: SystemStatus, topology: Topology) -> Found | None:
    payments = topology.services[PAYMENTS]
    if payments.external is None:
        raise ValueError("payments has no acquirer in the topology")
    calls_a_second = payments.replicas * payments.external.slots * 1_000 / payments.external.service_time_ms
    slots_rate = calls_a_second / CALLS_AN_ORDER
    low, high = 0.0, 1.1 * slots_rate
    best: Step | None = None
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS)) as session:
        load = OrderLoad(session, system, topology.entry)
        await load.sign_in()
        for number in range(SEARCH_STEPS):
            step = await load.offer((low + high) / 2, SEED + number)
            if _is_fine(step):
                low, best = step.rate, step
            else:
                high = step.rate
            await asyncio.sleep(REST_S if _is_fine(step) else RECOVERY_S)
        if best is None:
            return None
        half = await load.offer(best.rate / 2, SEED + SEARCH_STEPS)
    return Found(payments.replicas, slots_rate, best, half)


def _is_fine(step: Step) -> bool:
    return step.accepted > 0 and step.failed == 0 and step.quantile_ms(0.95) < P95_MS


def _latencies(step: Step) -> str:
    return f"{step.quantile_ms(0.5):.0f} / {step.quantile_ms(0.95):.0f} ms"


def _profile(step: Step) -> str:
    """`orders 9.1 ms, gateway 3.2 ms, ...`, the most expensive first."""
    used = step.usage.by_service if step.usage else {}
    shares = sorted(used.items(), key=lambda each: -each[1])
    return ", ".join(f"{name} {1_000 * used_s / max(1, step.accepted):.1f} ms" for name, used_s in shares)


if __name__ == "__main__":
    sys.exit(main())
