"""A circuit breaker by the share of failed, and of slow, calls over a sliding window of time.

Not built on pybreaker: that decides in states and a storage which count failures in a row, and a rate would need the private
members of both (docs/adr/0012). States, permits and what listeners are told are the same.
"""

from collections.abc import Callable

from services.kit.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Changed, tell
from services.kit.resilience.permit import Permit
from services.kit.resilience.window import Window
from services.policy import RateBreaker as RateBreakerPolicy

Given = tuple[int, float]
"""What is written on a permit: the window that it is of, and when it was given, in the clock's seconds."""


class RateBreaker:
    """Failure-rate breaker of one edge in one process; used from one event loop.

    Closed, it opens once at least `minimum_calls` ended in the window and their failures or slow calls reach a threshold.
    Half-open, `permitted_calls_in_half_open` decide by their rates, as soon as the rest of them could not change the outcome. A
    probe that has said nothing for a whole reset timeout loses its place to the next.

    Args:
        policy: Thresholds and times.
        clock: Monotonic seconds.
        on_change: Told of every change.
    """

    def __init__(self, policy: RateBreakerPolicy, clock: Callable[[], float], on_change: Changed) -> None:
        self.state: str = CLOSED
        """`closed`, `open` or `half-open`."""
        self._policy = policy
        self._slow_s = float("inf") if policy.slow_call_duration_ms is None else policy.slow_call_duration_ms / 1_000
        self._reset_s = policy.reset_timeout_ms / 1_000
        self._clock = clock
        self._on_change = on_change
        self._window = Window(policy.sliding_window_ms / 1_000)
        self._epoch = 0  # Counts windows; a report from an earlier one is stale and ignored.
        self._probes = _Probes()
        self._waits_since_s = 0.0  # When it opened; while half-open, when it last let a probe through.

    def admit(self) -> Permit[Given] | None:
        """Leave for one attempt, or None when it is rejected."""
        now_s = self._clock()
        if self.state != CLOSED and not self._may_probe(now_s):
            return None
        return Permit(self, (self._epoch, now_s))

    def _may_probe(self, now_s: float) -> bool:
        reset = now_s >= self._waits_since_s + self._reset_s
        if self.state == OPEN:
            if not reset:
                return False
            self._change(HALF_OPEN, now_s)
        elif self._probes.under_way + self._probes.ended >= self._policy.permitted_calls_in_half_open:
            if not reset:
                return False
            self._epoch += 1
            self._probes.under_way = 0
        self._probes.under_way += 1
        self._waits_since_s = now_s
        return True

    def release(self, given: Given) -> None:
        """An attempt was cancelled, so that its half-open place is free."""
        if given[0] == self._epoch and self.state == HALF_OPEN:
            self._probes.under_way -= 1

    def settle(self, given: Given, error: Exception | None) -> None:
        """An attempt succeeded, or failed with `error`."""
        epoch, given_at_s = given
        if epoch != self._epoch:
            return
        now_s = self._clock()
        failed, slow = error is not None, now_s - given_at_s > self._slow_s
        if self.state == HALF_OPEN:
            self._probes.end(failed=failed, slow=slow)
            self._decide(now_s)
            return
        window = self._window
        window.add(now_s, failed, slow)
        if window.calls >= self._policy.minimum_calls and self._too_many(window.failed, window.slow, window.calls):
            self._change(OPEN, now_s)

    def _decide(self, now_s: float) -> None:
        """Ends half-open once what is missing of its calls could not change the outcome."""
        permitted, probes = self._policy.permitted_calls_in_half_open, self._probes
        missing = permitted - probes.ended
        if self._too_many(probes.failed, probes.slow, permitted):
            self._change(OPEN, now_s)
        elif not self._too_many(probes.failed + missing, probes.slow + self._could_be_slow(missing), permitted):
            self._change(CLOSED, now_s)

    def _could_be_slow(self, missing: int) -> int:
        return 0 if self._policy.slow_call_duration_ms is None else missing

    def _too_many(self, failed: int, slow: int, calls: int) -> bool:
        policy = self._policy
        return 100 * failed >= policy.failure_rate_threshold * calls or 100 * slow >= policy.slow_call_rate_threshold * calls

    def _change(self, new: str, now_s: float) -> None:
        old, self.state = self.state, new
        self._epoch += 1
        self._probes = _Probes()
        self._window.clear()
        self._waits_since_s = now_s
        tell(self._on_change, old, new)


class _Probes:
    """The calls of one half-open window."""

    __slots__ = ("ended", "failed", "slow", "under_way")

    def __init__(self) -> None:
        self.under_way = self.ended = self.failed = self.slow = 0

    def end(self, *, failed: bool, slow: bool) -> None:
        self.under_way -= 1
        self.ended += 1
        self.failed += failed
        self.slow += slow
