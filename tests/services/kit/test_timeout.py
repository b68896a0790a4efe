"""An instant at which what is under way is cut: like asyncio.timeout(), which is what it is measured by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.resilience.timeout import Bound
from tests.services.kit.virtual import run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def in_ms(milliseconds: float) -> float:
    return asyncio.get_running_loop().time() + milliseconds / 1_000


def test_what_ends_in_time_is_not_cut() -> None:
    async def scenario() -> bool:
        with Bound(in_ms(100)) as bound:
            await asyncio.sleep(0.099)
        await asyncio.sleep(1)
        return bound.expired

    assert not run_virtually(scenario())


def test_what_does_not_is_cut_at_the_instant() -> None:
    async def scenario() -> float:
        begun_s = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError), Bound(in_ms(100)):
            await asyncio.sleep(1)
        return asyncio.get_running_loop().time() - begun_s

    assert run_virtually(scenario()) == pytest.approx(0.1)


def test_an_error_of_the_blocks_own_stays_what_it_is() -> None:
    async def scenario() -> None:
        with Bound(in_ms(100)):
            raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        run_virtually(scenario())


async def _with_bounds(limits_ms: list[int], sleep_ms: int) -> str:
    """Which of nested bounds cuts; the first is the outermost."""
    if not limits_ms:
        await asyncio.sleep(sleep_ms / 1_000)
        return "done"
    try:
        with Bound(in_ms(limits_ms[0])):
            return await _with_bounds(limits_ms[1:], sleep_ms)
    except TimeoutError:
        return f"cut, {len(limits_ms)} left"


async def _with_timeouts(limits_ms: list[int], sleep_ms: int) -> str:
    if not limits_ms:
        await asyncio.sleep(sleep_ms / 1_000)
        return "done"
    try:
        async with asyncio.timeout(limits_ms[0] / 1_000):
            return await _with_timeouts(limits_ms[1:], sleep_ms)
    except TimeoutError:
        return f"cut, {len(limits_ms)} left"


async def _ended(work: Coroutine[object, object, str], cancel_ms: int | None) -> tuple[str, int, float]:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    if cancel_ms is not None:
        loop.call_later(cancel_ms / 1_000, task.cancel)
    begun_s = loop.time()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    return repr(outcome), task.cancelling(), loop.time() - begun_s


@given(
    limits_ms=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    sleep_ms=st.integers(0, 6),
    cancel_ms=st.none() | st.integers(0, 6),
)
def test_nested_and_cancelled_it_does_what_asyncios_own_does(limits_ms: list[int], sleep_ms: int, cancel_ms: int | None) -> None:
    """Instants coincide often, on purpose: then it matters who notices first, and that everybody takes back only his own."""

    def end(of: Callable[[list[int], int], Coroutine[object, object, str]]) -> tuple[str, int, float]:
        return run_virtually(_ended(of(limits_ms, sleep_ms), cancel_ms))

    assert end(_with_bounds) == end(_with_timeouts)
