"""One lease: a fault, where it acts, and until when."""

import asyncio
from random import Random

from chaos.faults import AnyFault
from chaos.inject.messages import LeaseRequest, LeaseView


class Lease:
    """A fault in force until an instant of the monotonic clock, with what it has done so far."""

    __slots__ = ("_random", "edge", "ends_at_s", "fault", "id", "injected", "over", "rate", "seen", "source")

    def __init__(self, lease_id: str, request: LeaseRequest, ends_at_s: float, random: Random) -> None:
        self.id = lease_id
        self.fault: AnyFault = request.fault
        self.edge = request.edge
        self.rate = request.rate
        self.source = request.source
        self.ends_at_s = ends_at_s
        self.seen = 0
        self.injected = 0
        self.over = asyncio.Event()
        """Set when the lease was ended: wakes the requests that it holds."""
        self._random = random

    def in_force(self, now_s: float) -> bool:
        """Whether it acts at `now_s`: neither healed nor past its end."""
        return now_s < self.ends_at_s and not self.over.is_set()

    def draw(self) -> bool:
        """Decides about one request, and counts it."""
        self.seen += 1
        hit = self._random.random() < self.rate
        self.injected += hit
        return hit

    def uniform(self, low: float, high: float) -> float:
        """A draw between the two."""
        return self._random.uniform(low, high)

    def same_fault(self, request: LeaseRequest) -> bool:
        """Whether `request` could renew this lease."""
        return (self.fault, self.edge, self.rate) == (request.fault, request.edge, request.rate)

    def view(self, now_s: float) -> LeaseView:
        """How it stands at `now_s`."""
        return LeaseView(
            id=self.id,
            fault=self.fault,
            edge=self.edge,
            rate=self.rate,
            remaining_ms=round((self.ends_at_s - now_s) * 1_000, 3) if self.in_force(now_s) else 0.0,
            seen=self.seen,
            injected=self.injected,
            source=self.source,
        )
