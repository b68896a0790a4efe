"""A circuit breaker for asyncio over pybreaker 1.4: its states, storage and listeners, without its call path.

pybreaker guards a function that returns. A coroutine does not, and used around one it never trips, holds its lock during the
call, lets every concurrent caller through when half-open and counts cancellations. So a call is split in two: `admit()`
before it and a report after it. Only the report goes through pybreaker, with a function that returns or raises at once.
"""

import logging
from collections.abc import Callable
from contextlib import suppress

import pybreaker

from services.kit.resilience.permit import Permit
from services.policy import Breaker as BreakerPolicy

_log = logging.getLogger(__name__)

CLOSED, HALF_OPEN, OPEN = pybreaker.STATE_CLOSED, pybreaker.STATE_HALF_OPEN, pybreaker.STATE_OPEN
Changed = Callable[[str, str], None]
"""Told of every change as (old, new) state; what it raises is logged, never the caller's problem."""


class AsyncBreaker:
    """Consecutive-failure breaker of one edge in one process; used from one event loop.

    A probe that has said nothing for a whole reset timeout loses its place to the next: an attempt that hangs must not keep the
    breaker half-open, and everybody else out, for as long as it hangs.

    Args:
        policy: Thresholds and times.
        clock: Monotonic seconds. pybreaker itself reads the wall clock, which jumps.
        on_change: Told of every change.
    """

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float], on_change: Changed) -> None:
        self.state: str = CLOSED
        """`closed`, `open` or `half-open`."""
        self._policy = policy
        self._reset_s = policy.reset_timeout_ms / 1_000
        self._clock = clock
        self._on_change = on_change
        self._epoch = 0  # Counts windows; a report from an earlier one is stale and ignored.
        self._probes = 0  # Attempts under way while half-open.
        self._waits_since_s = clock()  # When it opened; while half-open, when it last let a probe through.
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=policy.fail_max,
            success_threshold=policy.success_threshold,
            listeners=[_Listener(self._changed)],
        )

    def admit(self) -> Permit[int] | None:
        """Leave for one attempt, or None when it is rejected."""
        if self.state != CLOSED and not self._may_probe():
            return None
        return Permit(self, self._epoch)

    def _may_probe(self) -> bool:
        now_s = self._clock()
        reset = now_s >= self._waits_since_s + self._reset_s
        if self.state == OPEN:
            if not reset:
                return False
            self._breaker.half_open()
        elif self._probes >= self._policy.permitted_calls_in_half_open:
            if not reset:
                return False
            self._epoch += 1
            self._probes = 0
        self._probes += 1
        self._waits_since_s = now_s
        return True

    def release(self, epoch: int) -> None:
        """An attempt was cancelled, so that its half-open place is free."""
        if epoch == self._epoch and self.state == HALF_OPEN:
            self._probes -= 1

    def settle(self, epoch: int, error: Exception | None) -> None:
        """An attempt succeeded, or failed with `error`."""
        if epoch != self._epoch:
            return  # A late result of an old window: counting it would re-arm the timer or close a breaker it knows nothing of.
        if self.state == HALF_OPEN:
            self._probes -= 1
        elif error is None and not self._breaker.fail_counter:
            return  # Nothing to forget: all that most calls ever need.

        def replay() -> None:
            if error is not None:
                raise error

        with suppress(Exception):  # pybreaker raises the error, or its own in its place; the caller has the real one already.
            self._breaker.call(replay)

    def _changed(self, old: str, new: str) -> None:
        self.state = new
        self._epoch += 1
        self._probes = 0
        self._waits_since_s = self._clock()
        tell(self._on_change, old, new)


def tell(on_change: Changed, old: str, new: str) -> None:
    """Tells of a change; whatever a listener raises is logged, for it must not reach the call."""
    try:
        on_change(old, new)
    except Exception:  # noqa: BLE001 - as said.
        _log.exception("a breaker's listener failed")


class _Listener(pybreaker.CircuitBreakerListener):
    def __init__(self, changed: Changed) -> None:
        self._changed = changed

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,  # noqa: ARG002 - pybreaker's signature.
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        self._changed(old_state.name if old_state else CLOSED, new_state.name)
