"""Gradient2: how many requests a process may work on at once, learnt from how long they take.

After `Gradient2Limit`, `WindowedLimit` and `ExpAvgMeasurement` of Netflix' concurrency-limits (Java). A round trip that grows
while more is under way is a queue that grows; so the limit follows the ratio of what is usual to what is now.
"""

from collections.abc import Callable

from services.policy import Limit

MIN_SAMPLES = 10
"""Of a window that says anything (WindowedLimit, windowSize); one with fewer is forgotten."""
MIN_RTT_S = 100e-6
"""What is quicker is no work (WindowedLimit, minRttThreshold)."""
_WARM_UP = 10  # Windows whose plain average the long-term round trip begins with.
_LEAST_GRADIENT, _MOST_GRADIENT = 0.5, 1.0  # One window halves the limit at most, and none raises it but by queue_size.
_TOO_SLOW_TO_FORGET, _FORGETTING = 2.0, 0.95  # After a long overload what is usual is too long by far: it shrinks quicker.


class Gradient2:
    """The limit, and what it is learnt from.

    Args:
        policy: Its parameters.
        clock: Monotonic seconds.
    """

    def __init__(self, policy: Limit, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._estimate = float(policy.initial_limit)
        self._usual = _Average(policy.long_window)
        self._sum_s, self._count, self._most_in_flight = 0.0, 0, 0
        self._ends_s = clock() + policy.window_ms / 1_000

    @property
    def limit(self) -> int:
        """Requests that may be under way; within the policy's bounds, always."""
        return int(self._estimate)

    def took(self, rtt_s: float, in_flight: int) -> None:
        """A request has been done.

        Args:
            rtt_s: How long it took, its waiting included.
            in_flight: How many were under way when it began, itself among them.
        """
        if rtt_s < MIN_RTT_S:
            return
        self._sum_s += rtt_s
        self._count += 1
        self._most_in_flight = max(self._most_in_flight, in_flight)
        now_s = self._clock()
        if now_s > self._ends_s:
            if self._count >= MIN_SAMPLES:
                self._learn(self._sum_s / self._count, self._most_in_flight)
            self._sum_s, self._count, self._most_in_flight = 0.0, 0, 0
            self._ends_s = now_s + self._policy.window_ms / 1_000

    def gave_up(self, after_s: float, in_flight: int) -> None:
        """A request has ended without being done: it would have taken at least `after_s`.

        That is worth knowing when it is more than usual. A quick failure says nothing about how long the work takes.
        """
        if self._usual.value and after_s > self._usual.value:
            self.took(after_s, in_flight)

    def _learn(self, now_s: float, in_flight: int) -> None:
        """Takes a window into account, whose requests took `now_s` on average."""
        usual_s = self._usual.add(now_s)
        if usual_s / now_s > _TOO_SLOW_TO_FORGET:
            self._usual.value *= _FORGETTING
        if in_flight < self._estimate / 2:
            return  # Nobody has tried whether there is room for more.
        policy = self._policy
        gradient = max(_LEAST_GRADIENT, min(_MOST_GRADIENT, policy.rtt_tolerance * usual_s / now_s))
        wanted = self._estimate * gradient + policy.queue_size
        smoothed = self._estimate * (1 - policy.smoothing) + wanted * policy.smoothing
        self._estimate = max(policy.min_limit, min(policy.max_limit, smoothed))


class _Average:
    """A plain average to begin with, an exponential one from then on."""

    def __init__(self, window: int) -> None:
        self.value = 0.0
        self._factor = 2.0 / (window + 1)
        self._count = 0

    def add(self, sample: float) -> float:
        if self._count < _WARM_UP:
            self.value = (self.value * self._count + sample) / (self._count + 1)
            self._count += 1
        else:
            self.value += (sample - self.value) * self._factor
        return self.value
