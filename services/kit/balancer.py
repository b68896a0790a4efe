"""Which of several replicas takes the next attempt."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.policy import Balancer as Kind
from services.registry import Instance


class LoadBalancer:
    """Chooses per attempt, and knows how many attempts each replica has under way from this process."""

    def __init__(self, kind: Kind, rng: random.Random) -> None:
        self._kind = kind
        self._rng = rng
        self._next = 0
        self._under_way: Counter[str] = Counter()

    def choose(self, instances: tuple[Instance, ...], avoid: Instance | None = None) -> Instance:
        """One of `instances` (at least one); not `avoid`, the replica that just failed, if there is another."""
        candidates = tuple(i for i in instances if avoid is None or i.name != avoid.name) or instances
        if self._kind is Kind.ROUND_ROBIN or len(candidates) == 1:
            self._next = (self._next + 1) % 1_000_000
            return candidates[self._next % len(candidates)]
        first, second = self._rng.sample(candidates, 2)
        return first if self._under_way[first.name] <= self._under_way[second.name] else second

    @contextmanager
    def counting(self, instance: Instance) -> Iterator[None]:
        """Counts one attempt as under way on `instance`."""
        self._under_way[instance.name] += 1
        try:
            yield
        finally:
            self._under_way[instance.name] -= 1
            if not self._under_way[instance.name]:
                del self._under_way[instance.name]  # Names of replaced replicas must not pile up.
