"""How late an event loop is: the wait of whatever becomes ready while the loop is busy with something else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

INTERVAL_S = 0.1
"""Ten looks a second see a stall of 100 ms for certain, and one of 10 ms in one case of ten."""


class Timer(Protocol):
    """What a loop hands out for a call to come."""

    def cancel(self) -> None:
        """It need not come any more."""
        ...


class Loop(Protocol):
    """As much of an event loop as is asked for."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """Calls `callback` after `delay` seconds, or as soon after as it can."""
        ...


@contextmanager
def watched_loop(loop: Loop, observe: Callable[[float], None], clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Asks `loop` for a timer again and again, and tells `observe` by how many seconds each was late.

    uvloop's timers are of whole milliseconds and may be up to one early, so what is below a millisecond is noise.
    """
    probe = _Probe(loop, observe, clock)
    try:
        yield
    finally:
        probe.stop()


class _Probe:
    def __init__(self, loop: Loop, observe: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._loop = loop
        self._observe = observe
        self._clock = clock
        self._ask()

    def stop(self) -> None:
        self._timer.cancel()

    def _ask(self) -> None:
        self._due_s = self._clock() + INTERVAL_S
        self._timer = self._loop.call_later(INTERVAL_S, self._on_time)

    def _on_time(self) -> None:
        self._observe(max(0.0, self._clock() - self._due_s))
        self._ask()
