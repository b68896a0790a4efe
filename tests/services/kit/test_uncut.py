"""Work that is not cut: a cancellation waits for its end, however often it comes, and is not forgotten."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from services.kit.uncut import uncut, whole

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools


class Work:
    """Takes two steps, the second one when it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.steps: list[str] = []
        self.go_on = asyncio.Event()
        self._error = error

    async def do(self) -> str:
        self.steps.append("one")
        await self.go_on.wait()
        self.steps.append("two")
        if self._error:
            raise self._error
        return "done"

    @whole
    async def do_whole(self) -> str:
        """As `do`, and cannot be cut."""
        return await self.do()


async def test_without_a_cancellation_it_is_as_if_it_were_awaited() -> None:
    work = Work()
    work.go_on.set()
    assert await uncut(work.do()) == "done"
    broken = Work(ValueError("broken"))
    broken.go_on.set()
    with pytest.raises(ValueError, match="broken"):
        await uncut(broken.do())


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("error", [None, ValueError("broken")])
async def test_a_cancellation_waits_for_the_end_however_often_it_comes(tools: Tools, times: int, error: Exception | None) -> None:
    work = Work(error)
    task = asyncio.create_task(uncut(work.do()))
    await tools.settle()
    for _ in range(times):
        task.cancel()
        await tools.settle()
        assert not task.done()
    work.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.steps == ["one", "two"]


async def test_a_whole_function_is_one_that_nobody_cuts(tools: Tools) -> None:
    work = Work()
    task = asyncio.create_task(work.do_whole())
    await tools.settle()
    task.cancel()
    await tools.settle()
    work.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.steps == ["one", "two"]
    assert (Work.do_whole.__name__, Work.do_whole.__doc__) == ("do_whole", "As `do`, and cannot be cut.")


async def test_a_failure_that_a_cancellation_waited_for_is_told_with_it_and_by_nobody_else() -> None:
    loop, told = asyncio.get_running_loop(), list[dict[str, object]]()
    loop.set_exception_handler(lambda _loop, context: told.append(context))
    work = Work(ValueError("broken"))
    task = asyncio.ensure_future(uncut(work.do()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    work.go_on.set()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await task
    cause = cancelled.value.__cause__
    del task, work
    gc.collect()
    assert isinstance(cause, ValueError)
    assert told == []
