"""The breaker that an edge declares."""

from collections.abc import Callable
from typing import Protocol

from services.kit.resilience.breaker import AsyncBreaker, Changed
from services.kit.resilience.permit import Permit
from services.kit.resilience.rate_breaker import RateBreaker
from services.policy import AnyBreaker
from services.policy import Breaker as BreakerPolicy


class CircuitBreaker(Protocol):
    """What stands between an edge's calls and a callee that fails."""

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open`."""
        ...

    def admit(self) -> Permit[object] | None:
        """Leave for one attempt, or None when it is rejected."""
        ...


def make_breaker(policy: AnyBreaker, clock: Callable[[], float], on_change: Changed) -> CircuitBreaker:
    """A closed breaker of the kind that `policy` is of.

    Args:
        policy: Thresholds and times.
        clock: Monotonic seconds.
        on_change: Told of every change as (old, new) state; what it raises is logged.
    """
    if isinstance(policy, BreakerPolicy):
        return AsyncBreaker(policy, clock, on_change)
    return RateBreaker(policy, clock, on_change)
