"""The clock that leases run on."""

import asyncio
import time
from typing import Protocol

_SHORTEST_TIMER_S = 0.001
"""uvloop rounds timers to milliseconds; a shorter one would spin."""


class Clock(Protocol):
    """A monotonic clock and a way to wait on it."""

    def now(self) -> float:
        """Seconds since some fixed instant. Never steps, and runs on while this process is stopped."""
        ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> None:
        """Returns when `event` is set or after about `timeout_s`; it may be early, so callers look at the clock again."""
        ...


class MonotonicClock:
    """The machine's monotonic clock and the event loop's timers.

    A timer that fired early (uvloop's do, by up to 0.85 ms) is waited for again by the caller, at least a millisecond: an
    injected delay is never short, and long by a millisecond at most on an idle loop. Spinning until the instant would be more
    exact, but would burn the processor time that the experiment watches.
    """

    def now(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, timeout_s: float) -> None:
        """Waits for `event`, `timeout_s` at most."""
        try:
            async with asyncio.timeout(max(timeout_s, _SHORTEST_TIMER_S)):
                await event.wait()
        except TimeoutError:
            return
