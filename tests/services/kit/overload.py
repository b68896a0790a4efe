"""A simulation of callers, a limit, and slots with a queue before them: what comes out while too much goes in, in no time."""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, pairwise

from observability.metrics import Metrics
from services.kit.errors import TooManyRequestsError
from services.kit.resilience.limit import Admission, Limiter
from services.kit.resilience.priority import DEFAULT
from services.policy import Limit


@dataclass(frozen=True)
class Slots:
    """What the callee has, and how long its callers wait."""

    slots: int = 3
    service_s: float = 0.040
    patience_s: float = 0.600

    @property
    def capacity(self) -> float:
        """Calls a second."""
        return self.slots / self.service_s


@dataclass
class Call:
    """One call. `ended`: it is answered, or nobody works on it any more."""

    arrived_s: float
    admission: Admission | None
    begun: bool = False
    ended: bool = False
    left: bool = False


class Overload:
    """Poisson arrivals of calls that wait for a slot, first come, first served.

    Args:
        limit: Of the callee; None: it takes on everything.
        slots: What it has.
        cancels: Whether it stops working for callers who have left.
    """

    def __init__(self, limit: Limit | None, slots: Slots, *, cancels: bool) -> None:
        self.now_s = 0.0
        self.good: list[float] = []
        self.limiter = Limiter(limit, Metrics(), lambda: self.now_s)
        self._slots, self._free, self._cancels = slots, slots.slots, cancels
        self._queue: deque[Call] = deque()
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    def run(self, *phases: tuple[float, float], seed: int = 7) -> list[float]:
        """Runs phases of (seconds, load as a share of the capacity). Returns the goodput of each, as such a share."""
        rng, ends_s = random.Random(seed), [0.0]
        for seconds, load in phases:
            at_s, end_s = ends_s[-1], ends_s[-1] + seconds
            while (at_s := at_s + rng.expovariate(load * self._slots.capacity)) < end_s:
                self._at(at_s, self._arrive)
            ends_s.append(end_s)
        while self._coming:
            self.now_s, _, happen = heapq.heappop(self._coming)
            happen()
        return [
            sum(start_s <= at_s < end_s for at_s in self.good) / (end_s - start_s) / self._slots.capacity
            for start_s, end_s in pairwise(ends_s)
        ]

    def _at(self, at_s: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._coming, (at_s, next(self._number), happen))

    def _arrive(self) -> None:
        try:
            call = Call(self.now_s, self.limiter.admit(DEFAULT))
        except TooManyRequestsError:
            return
        self._at(self.now_s + self._slots.patience_s, lambda: self._leave(call))
        self._queue.append(call)
        self._serve()

    def _serve(self) -> None:
        while self._free and self._queue:
            call = self._queue.popleft()
            if not call.ended:
                call.begun = True
                self._free -= 1
                self._at(self.now_s + self._slots.service_s, lambda call=call: self._answer(call))  # type: ignore[misc]  # a default

    def _leave(self, call: Call) -> None:
        call.left = True
        if self._cancels and not call.ended:
            self._end(call, done=False)

    def _answer(self, call: Call) -> None:
        if not call.ended:
            if not call.left:
                self.good.append(call.arrived_s)
            self._end(call, done=True)

    def _end(self, call: Call, *, done: bool) -> None:
        call.ended = True
        if call.admission:
            self.limiter.end(call.admission, done=done)
        self._free += call.begun
        self._serve()
