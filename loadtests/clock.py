"""The schedule's time: seconds since its start, on the clock that never jumps."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Maps the schedule's time to CLOCK_MONOTONIC and to Unix time."""

    start_monotonic_s: float
    start_unix_s: float

    @classmethod
    def starting_at(cls, unix_s: float) -> "Clock":
        """A clock whose second 0 is the Unix time `unix_s`.

        The two clocks are compared once: what an administrator or NTP does to Unix time during a run moves no arrival. The
        monotonic clock is read before and after, so that being preempted between two readings shifts the start by half as much.
        """
        before_s = time.monotonic()
        now_unix_s = time.time()
        after_s = time.monotonic()
        return cls((before_s + after_s) / 2 + (unix_s - now_unix_s), unix_s)

    @classmethod
    def starting_now(cls) -> "Clock":
        """A clock whose second 0 is now."""
        return cls.starting_at(time.time())

    def now_s(self) -> float:
        """Seconds since the start; negative before it."""
        return time.monotonic() - self.start_monotonic_s
