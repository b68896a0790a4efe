"""Arrivals of customers: seeded, at a rate that does not wait for answers, and bounded."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final

MAX_AT_ONCE: Final = 300
"""Visits. A system that stands still is not buried under its customers: who comes then is turned away, and counted."""

Visit = Callable[[Random], Awaitable[None]]


@dataclass(frozen=True)
class Stream:
    """Visits of one kind, so many a second."""

    name: str
    per_s: float
    visit: Visit


class Crowd:
    """Sends visits of several kinds until it is told to stop; each draws from a stream of its own."""

    def __init__(self, streams: tuple[Stream, ...], seed: int) -> None:
        self._streams = streams
        self._seed = seed
        self._tasks: set[asyncio.Task[None]] = set()
        self.arrived: Counter[str] = Counter()
        self.turned_away = 0

    async def come(self, duration_s: float) -> None:
        """Arrivals for so long; returns when the last visit has ended. Raises what a visit raised."""
        until_s = time.monotonic() + duration_s
        try:
            async with asyncio.TaskGroup() as group:
                for number, stream in enumerate(self._streams):
                    group.create_task(self._arrive(stream, Random(f"{self._seed} {number}"), until_s, group))
        finally:
            self._tasks.clear()

    async def _arrive(self, stream: Stream, random: Random, until_s: float, group: asyncio.TaskGroup) -> None:
        due_s = time.monotonic()
        while (due_s := due_s + random.expovariate(stream.per_s)) < until_s:
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            own = Random(random.getrandbits(64))
            if len(self._tasks) >= MAX_AT_ONCE:
                self.turned_away += 1
                continue
            self.arrived[stream.name] += 1
            task = group.create_task(_visit(stream, own))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _visit(stream: Stream, random: Random) -> None:
    await stream.visit(random)
