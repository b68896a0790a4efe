"""How late an event loop is: the wait of whatever becomes ready while the loop is busy with something else."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERVAL_S = 0.1
"""Ten looks a second see a stall of 100 ms for certain, and one of 10 ms in one case of ten."""


@contextmanager
def watched_loop(observe: Callable[[float], None], interval_s: float = INTERVAL_S) -> Iterator[None]:
    """Asks the running loop for a timer again and again, and tells `observe` by how many seconds each was late.

    uvloop's timers are of whole milliseconds and may be up to one early, so what is below a millisecond is noise.
    """
    probe = _Probe(asyncio.get_running_loop(), observe, interval_s)
    try:
        yield
    finally:
        probe.stop()


class _Probe:
    def __init__(self, loop: asyncio.AbstractEventLoop, observe: Callable[[float], None], interval_s: float) -> None:
        self._loop = loop
        self._observe = observe
        self._interval_s = interval_s
        self._ask()

    def stop(self) -> None:
        self._timer.cancel()

    def _ask(self) -> None:
        self._due_s = time.monotonic() + self._interval_s
        self._timer = self._loop.call_later(self._interval_s, self._on_time)

    def _on_time(self) -> None:
        self._observe(max(0.0, time.monotonic() - self._due_s))
        self._ask()
