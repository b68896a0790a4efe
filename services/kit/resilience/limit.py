"""The adaptive limit of one process: counts what is under way, and lets in what there is room for."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from observability.metrics import Metrics
from services.kit.errors import TooManyRequestsError
from services.kit.resilience.gradient import Gradient2
from services.kit.resilience.priority import LEAST_URGENT, MOST_URGENT
from services.kit.resilience.shed import room_for
from services.policy import Limit

UNLIMITED = float("inf")
"""What the metric shows while there is no limit."""
RETRY_AFTER_S = 1
"""Of a window of the limit; HTTP knows no shorter one."""


@dataclass(frozen=True, slots=True)
class Admission:
    """One request that was let in.

    Attributes:
        gradient: What learns from it, though another limit should be in force when it ends.
        in_flight: How many were under way when it began, itself among them.
        began_s: Monotonic seconds.
    """

    gradient: Gradient2
    in_flight: int
    began_s: float


class Limiter:
    """What is under way, and how much may be.

    Args:
        limit: What is in force; None: everything is let in, and nothing is counted.
        metrics: Shows the limit, what is under way, and what is shed.
        clock: Monotonic seconds.
    """

    def __init__(self, limit: Limit | None, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._policy = limit
        self._gradient = Gradient2(limit, clock) if limit else None
        self._in_flight = 0
        self._shed = metrics.shed
        for urgency in range(MOST_URGENT, LEAST_URGENT + 1) if limit else ():
            self._shed.labels(str(urgency))
        metrics.limit.set_function(lambda: self._gradient.limit if self._gradient else UNLIMITED)
        metrics.limit_in_flight.set_function(lambda: self._in_flight)

    @property
    def policy(self) -> Limit | None:
        """What is in force."""
        return self._policy

    def adopt(self, limit: Limit | None) -> None:
        """Puts another limit in force, or none, from the next request on; what was let in stays. The same one keeps its state."""
        if limit != self._policy:
            self._policy = limit
            self._gradient = Gradient2(limit, self._clock) if limit else None

    def admit(self, urgency: int) -> Admission | None:
        """Lets one request in, which `end` must follow; None: there is no limit. Raises TooManyRequestsError: no room for it."""
        gradient = self._gradient
        if gradient is None:
            return None
        if self._in_flight >= room_for(urgency, gradient.limit):
            self._shed.labels(str(urgency)).inc()
            detail = f"{self._in_flight} requests are under way; the limit is {gradient.limit}, less for what is less urgent"
            raise TooManyRequestsError(detail, RETRY_AFTER_S)
        self._in_flight += 1
        return Admission(gradient, self._in_flight, self._clock())

    def end(self, admission: Admission, *, done: bool) -> None:
        """A request that was let in has ended. `done`: it was, and did not fail or go away."""
        self._in_flight -= 1
        learn = admission.gradient.took if done else admission.gradient.gave_up
        learn(self._clock() - admission.began_s, admission.in_flight)
