"""Which of several replicas takes the next attempt."""

import random
from collections.abc import Callable, Collection

from services.kit.errors import CallError, ShedError
from services.kit.resilience.ejection import Ejection, Told
from services.kit.resilience.permit import Permit
from services.policy import Balancer as Kind
from services.policy import OutlierEjection
from services.registry import Instance

Begun = tuple[str, float]
"""What is written on a ticket: the replica's name, and when the attempt began, in the clock's seconds."""


class LoadBalancer:
    """Chooses per attempt. Knows how many attempts each replica has under way from this process, and leaves out who fails.

    Args:
        kind: How it chooses.
        ejection: When a replica is left out, if ever.
        rng: Draws the two choices.
        clock: Monotonic seconds.
        on_change: Told of replicas that are left out, and taken in again.
    """

    def __init__(
        self, kind: Kind, ejection: OutlierEjection | None, rng: random.Random, clock: Callable[[], float], on_change: Told
    ) -> None:
        self._kind = kind
        slow_ms = ejection.slow_call_duration_ms if ejection else None
        self._slow_s = float("inf") if slow_ms is None else slow_ms / 1_000
        self._ejection = Ejection(ejection, clock, on_change) if ejection else None
        self._rng = rng
        self._clock = clock
        self._next = 0
        self._under_way: dict[str, int] = {}
        self._known: tuple[Instance, ...] = ()

    def choose(self, instances: tuple[Instance, ...], avoid: Collection[str] = ()) -> Instance:
        """One of `instances` (at least one).

        Of those that are in, if any, and of them not one of `avoid`, the names of replicas already tried, if there is another. A
        replica that has failed one attempt is a better bet than one that is out for failing many.
        """
        candidates = self.rotation(instances)
        if avoid:
            candidates = tuple(i for i in candidates if i.name not in avoid) or candidates
        return self._one_of(candidates)

    def rotation(self, instances: tuple[Instance, ...]) -> tuple[Instance, ...]:
        """Those of `instances` that are not left out; all of them when that would leave none."""
        if instances is not self._known:
            self._follow(instances)
        if self._ejection is None or not (out := self._ejection.out()):
            return instances
        return tuple(i for i in instances if i.name not in out) or instances

    @property
    def left_out(self) -> int:
        """How many replicas are out now."""
        return len(self._ejection.out()) if self._ejection else 0

    def begin(self, instance: Instance) -> Permit[Begun]:
        """An attempt at `instance`, under way until its ticket is told how it ended."""
        name = instance.name
        self._under_way[name] = self._under_way.get(name, 0) + 1
        return Permit(self, (name, self._clock()))

    def settle(self, begun: Begun, error: Exception | None) -> None:
        """An attempt succeeded, or failed with `error`."""
        self.release(begun)
        if self._ejection is None or isinstance(error, ShedError):
            return  # Who is busy works, and shedding is how it goes on doing so.
        name, begun_s = begun
        if error is not None:
            self._ejection.failed(name, begun_s, error.reason if isinstance(error, CallError) else type(error).__name__)
        elif self._clock() - begun_s > self._slow_s:
            self._ejection.failed(name, begun_s, "slow")
        else:
            self._ejection.succeeded(name, begun_s)

    def release(self, begun: Begun) -> None:
        """An attempt is no longer under way."""
        name = begun[0]
        self._under_way[name] -= 1
        if not self._under_way[name]:
            del self._under_way[name]  # Names of replaced replicas must not pile up.

    def _one_of(self, candidates: tuple[Instance, ...]) -> Instance:
        count = len(candidates)
        if count == 1:
            return candidates[0]
        if self._kind is Kind.ROUND_ROBIN:
            self._next = (self._next + 1) % 1_000_000
            return candidates[self._next % count]
        # Two different ones; random.sample does the same at ten times the cost.
        first = int(self._rng.random() * count)
        second = int(self._rng.random() * (count - 1))
        one, other = candidates[first], candidates[second + (second >= first)]
        under_way = self._under_way
        return one if under_way.get(one.name, 0) <= under_way.get(other.name, 0) else other

    def _follow(self, instances: tuple[Instance, ...]) -> None:
        if self._ejection is not None:
            before = {i.name: i for i in self._known}
            restarted = [i.name for i in instances if before.get(i.name, i) != i]
            self._ejection.follow([i.name for i in instances], restarted)
        self._known = instances
