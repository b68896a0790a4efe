"""Monotonic time and timers, as an event loop offers them and a test can replace them."""

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Drops the call."""


class Timers(Protocol):
    """A monotonic clock with timers; an asyncio event loop is one."""

    def time(self) -> float:
        """Monotonic time, seconds."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """Calls `callback` once, `delay` seconds from now."""
