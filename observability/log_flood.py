"""A bound on how many lines a process writes: who logs in a loop must not spend its time, nor hide what else is said."""

import logging
import time
from collections.abc import Callable
from typing import Final

LINES_PER_S: Final = 500
"""Some forty times what a service says under FeastFast's load while a fault is injected."""
BURST_LINES: Final = 2_000


class FloodGate(logging.Filter):
    """A handler's filter with a token bucket. The first line after a flood says how many were left out before it."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock_s = clock_s
        self._tokens = float(BURST_LINES)
        self._refilled_s = clock_s()
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written. Handlers call it under their lock."""
        now_s = self._clock_s()
        self._tokens = min(BURST_LINES, self._tokens + (now_s - self._refilled_s) * LINES_PER_S)
        self._refilled_s = now_s
        if self._tokens < 1:
            self._left_out += 1
            return False
        self._tokens -= 1
        if self._left_out:
            record.lines_left_out = self._left_out
            self._left_out = 0
        return True
