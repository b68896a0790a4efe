"""A circuit breaker for asyncio over pybreaker 1.4: its states, storage and listeners, without its call path.

pybreaker guards a function that returns. A coroutine does not, and used around one it never trips, holds its lock during the
call, lets every concurrent caller through when half-open and counts cancellations. So a call is split in two: `admit()`
before it and a report after it. Only the report goes through pybreaker, with a function that returns or raises at once.
"""

import logging
from collections.abc import Callable
from contextlib import suppress

import pybreaker

from services.policy import Breaker as BreakerPolicy

_log = logging.getLogger(__name__)

CLOSED, HALF_OPEN, OPEN = pybreaker.STATE_CLOSED, pybreaker.STATE_HALF_OPEN, pybreaker.STATE_OPEN


class Permit:
    """Leave to make one attempt. Exactly one of its methods is called once the attempt is over; more are ignored."""

    __slots__ = ("_breaker", "_done", "_epoch")

    def __init__(self, breaker: "AsyncBreaker", epoch: int) -> None:
        self._breaker = breaker
        self._epoch = epoch
        self._done = False

    def succeeded(self) -> None:
        """The callee answered."""
        self._finish(None)

    def failed(self, error: Exception) -> None:
        """The callee did not answer, or with a server error."""
        self._finish(error)

    def abandoned(self) -> None:
        """The attempt was cancelled: that says nothing about the callee, so only the half-open place is given back."""
        if not self._done:
            self._done = True
            self._breaker._abandon(self._epoch)  # noqa: SLF001 - permit and breaker are one mechanism.

    def _finish(self, error: Exception | None) -> None:
        if not self._done:
            self._done = True
            self._breaker._report(self._epoch, error)  # noqa: SLF001 - as above.


class AsyncBreaker:
    """Consecutive-failure breaker of one edge in one process; used from one event loop.

    Args:
        policy: Thresholds and times.
        clock: Monotonic seconds. pybreaker itself reads the wall clock, which jumps.
        on_change: Told of every change as (old, new) state; what it raises is logged, never the caller's problem.
    """

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float], on_change: Callable[[str, str], None]) -> None:
        self._policy = policy
        self._clock = clock
        self._on_change = on_change
        self._epoch = 0  # Counts state changes; a report from an earlier one is stale and ignored.
        self._probes = 0  # Attempts under way while half-open.
        self._changed_at_s = clock()
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=policy.fail_max,
            success_threshold=policy.success_threshold,
            listeners=[_Listener(self._changed)],
        )

    @property
    def state(self) -> str:
        """`closed`, `open` or `half-open`."""
        return self._breaker.current_state

    def admit(self) -> Permit | None:
        """Leave for one attempt, or None when it is rejected."""
        if self.state == OPEN:
            if self._clock() < self._changed_at_s + self._policy.reset_timeout_ms / 1_000:
                return None
            self._breaker.half_open()
        if self.state == HALF_OPEN:
            if self._probes >= self._policy.permitted_calls_in_half_open:
                return None
            self._probes += 1
        return Permit(self, self._epoch)

    def _abandon(self, epoch: int) -> None:
        if epoch == self._epoch and self.state == HALF_OPEN:
            self._probes -= 1

    def _report(self, epoch: int, error: Exception | None) -> None:
        if epoch != self._epoch:
            return  # A late result of an old window: counting it would re-arm the timer or close a breaker it knows nothing of.
        if self.state == HALF_OPEN:
            self._probes -= 1

        def replay() -> None:
            if error is not None:
                raise error

        with suppress(Exception):  # pybreaker raises the error, or its own in its place; the caller has the real one already.
            self._breaker.call(replay)

    def _changed(self, old: str, new: str) -> None:
        self._epoch += 1
        self._probes = 0
        self._changed_at_s = self._clock()
        try:
            self._on_change(old, new)
        except Exception:  # noqa: BLE001 - whatever a listener raises must not reach the call.
            _log.exception("a breaker's listener failed")


class _Listener(pybreaker.CircuitBreakerListener):
    def __init__(self, changed: Callable[[str, str], None]) -> None:
        self._changed = changed

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,  # noqa: ARG002 - pybreaker's signature.
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        self._changed(old_state.name if old_state else CLOSED, new_state.name)
