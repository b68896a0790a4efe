"""What goes on beside requests goes on whatever happens to it, and ends with the service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.kit.background import BETWEEN_BATCHES_S, background, prune_for_ever

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools


class Heap:
    """Batches to be removed, and when each was, in the event loop's seconds."""

    def __init__(self, *outcomes: bool | Exception) -> None:
        self.outcomes = list(outcomes)
        self.at_s: list[float] = []

    async def prune(self) -> bool:
        self.at_s.append(round(asyncio.get_running_loop().time(), 3))
        outcome = self.outcomes.pop(0) if self.outcomes else False
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def watched(heap: Heap, for_s: float, first_s: float = 0.0) -> list[float]:
    async with background({"prune": prune_for_ever("what is old", heap.prune, 60.0, first_s)}):
        await asyncio.sleep(for_s)
    return heap.at_s


def test_batches_follow_each_other_until_there_is_none(tools: Tools) -> None:
    heap = Heap(True, True, False)
    first, second, third, fourth = tools.run_virtually(watched(heap, 61.0))
    assert [round(second - first, 3), round(third - second, 3)] == [BETWEEN_BATCHES_S] * 2
    assert round(fourth - third, 3) == 60.0


def test_a_batch_that_fails_is_tried_again_in_the_next_round(tools: Tools) -> None:
    first, second = tools.run_virtually(watched(Heap(OSError("disk")), 61.0))
    assert round(second - first, 3) == 60.0


def test_the_first_round_may_wait(tools: Tools) -> None:
    assert len(tools.run_virtually(watched(Heap(), 59.0, first_s=60.0))) == 0


async def test_work_has_ended_when_its_context_is_left() -> None:
    ended = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async with background({"one": work("one"), "two": work("two")}):
        await asyncio.sleep(0)
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert {"one", "two"} <= names
    assert sorted(ended) == ["one", "two"]
