"""Starts every arrival at its instant, whatever became of the ones before it.

One dispatcher a process merges all sources in a heap and sleeps until the earliest. It never waits for a response: that is
what makes the load open-loop.
"""

import heapq
from collections.abc import Callable, Iterator
from typing import Protocol

from loadtests.arrivals import Arrival


class Timer(Protocol):
    """Sleeps precisely. `loadtests.timer` has the real ones."""

    def sleep_until(self, instant_s: float | None) -> None:
        """Returns at `instant_s` of the schedule or, when woken, earlier; None sleeps until woken."""

    def wake(self) -> None:
        """Ends a sleep now."""


class Dispatcher:
    """Merges sources and starts their arrivals. Not thread-safe: greenlets of one thread share it.

    Args:
        now: Seconds since the schedule's start.
        timer: Sleeps in the same time.
        start: Called with each arrival at its instant; must not block.
    """

    def __init__(self, now: Callable[[], float], timer: Timer, start: Callable[[Arrival], None]) -> None:
        self._now = now
        self._timer = timer
        self._start = start
        self._sources: dict[int, Iterator[Arrival]] = {}
        self._due: list[tuple[float, int, Arrival]] = []
        self._stopped = False

    @property
    def sources(self) -> int:
        """How many have arrivals to come."""
        return 0 if self._stopped else len(self._sources)

    def add(self, source: int, arrivals: Iterator[Arrival]) -> None:
        """Lets `arrivals` of `source` happen from now on. Raises ValueError when the index is taken."""
        if source in self._sources:
            raise ValueError(f"source {source} is there already")
        self._sources[source] = arrivals
        self._push_next(source)
        self._timer.wake()

    def remove(self, source: int) -> None:
        """No further arrival of `source` starts; one that is unknown is ignored."""
        if self._sources.pop(source, None) is not None:
            self._due = [entry for entry in self._due if entry[1] != source]
            heapq.heapify(self._due)

    def stop(self) -> None:
        """Makes `run` return before the next arrival."""
        self._stopped = True
        self._timer.wake()

    def run(self, until_s: float | None = None) -> bool:
        """Starts arrivals until `until_s` of the schedule (exclusive; None: without end), or until stopped.

        Returns:
            Whether the schedule was played to its end.
        """
        while not self._stopped:
            due_s = self._due[0][0] if self._due else None
            if until_s is not None:
                due_s = until_s if due_s is None else min(due_s, until_s)
            if due_s is None or due_s > self._now():
                self._timer.sleep_until(due_s)
            elif due_s == until_s:
                return True
            else:
                _, source, arrival = heapq.heappop(self._due)
                self._push_next(source)
                self._start(arrival)
        return False

    def _push_next(self, source: int) -> None:
        arrival = next(self._sources[source], None)
        if arrival is not None:
            heapq.heappush(self._due, (arrival.instant_s, source, arrival))
