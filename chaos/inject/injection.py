"""One fault on one request."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from chaos.faults import AnyFault
from chaos.faults.errors import InjectedAbort
from chaos.inject.clock import Clock
from chaos.inject.lease import Lease


class HeldRequests:
    """How many requests faults hold at this moment, and how many they may: memory is not part of the experiment."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Counts a request in and out. Raises InjectedAbort beyond the limit, as a server out of sockets would cut it."""
        if self.count >= self._limit:
            raise InjectedAbort(f"injected: more than {self._limit} requests held")
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


class Injection:
    """The decision of a lease to hit a request; what `chaos.faults.hold.Hold` asks for."""

    def __init__(self, lease: Lease, clock: Clock, held: HeldRequests) -> None:
        self._lease = lease
        self._clock = clock
        self._held = held

    @property
    def fault(self) -> AnyFault:
        """What is injected."""
        return self._lease.fault

    async def apply(self) -> None:
        """Does it. Raises InjectedFault when the fault ends the request."""
        await self.fault.apply(self)

    async def wait(self, duration_ms: float) -> None:
        """Returns after `duration_ms`, never early, or at the lease's end, which a renewal may move meanwhile."""
        lease, clock = self._lease, self._clock
        until_s = clock.now() + duration_ms / 1_000
        with self._held.one():
            while lease.in_force(now_s := clock.now()) and now_s < until_s:
                await clock.wait(lease.over, min(until_s, lease.ends_at_s) - now_s)

    async def wait_for_end(self) -> None:
        """Returns at the lease's end."""
        await self.wait(math.inf)

    def uniform(self, low: float, high: float) -> float:
        """A draw from the lease's sequence."""
        return self._lease.uniform(low, high)
