"""How many requests somebody may make: a token bucket for each, and a bound on how many are remembered."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from services.kit.errors import TooManyRequestsError

MAX_REMEMBERED = 10_000
"""Callers. Who is forgotten, because so many others came after, starts again with a full bucket."""


@dataclass(frozen=True)
class Rate:
    """Requests a second in the long run, and how many may come at once."""

    per_s: float
    burst: float

    @classmethod
    def with_burst(cls, per_s: float) -> "Rate":
        """Two seconds' worth may come at once, and one request always."""
        return cls(per_s, max(1.0, 2 * per_s))


OF_PASSWORD = Rate(per_s=1, burst=10)
"""Tries of passwords from one address for one email: a person who has forgotten which it was, and not a dictionary."""


class RateLimit:
    """Token buckets by key, all of one rate.

    Args:
        rate: How fast a bucket fills, and how much it holds.
        clock: Monotonic seconds.
        max_remembered: Keys.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float], max_remembered: int = MAX_REMEMBERED) -> None:
        self._rate = rate
        self._clock = clock
        self._max_remembered = max_remembered
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tokens, and when they were counted; who was seen last stands last."""

    def take(self, key: str) -> None:
        """Counts one request. Raises TooManyRequestsError, which says in how many whole seconds there is room for one."""
        now_s = self._clock()
        tokens, counted_s = self._buckets.pop(key, (self._rate.burst, now_s))
        tokens = min(self._rate.burst, tokens + (now_s - counted_s) * self._rate.per_s)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now_s)
        if len(self._buckets) > self._max_remembered:
            self._buckets.popitem(last=False)
        if not allowed:
            wait_s = max(1, math.ceil((1 - tokens) / self._rate.per_s))
            raise TooManyRequestsError(f"more than {self._rate.per_s:g} requests a second; come again in {wait_s} s", wait_s)
