"""The deadline around a whole call, against the timeout of one attempt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.kit.errors import (
    AttemptTimeoutError,
    DeadlineExceededError,
)
from services.kit.resilience.deadline import deadline_within, remaining_ms

if TYPE_CHECKING:
    from tests.services.kit.conftest import PipelineBench, Tools

EDGE = "shop->bank"
LATE = AttemptTimeoutError(EDGE, "no answer in time")


async def hang() -> None:
    await asyncio.Event().wait()


def test_a_call_that_hangs_ends_at_its_deadline(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> float:
        begun_s = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineExceededError, match="shop->bank: took longer than its deadline"):
            await bench.pipeline({"deadline": "600ms"}).run(tools.Script(hang))
        return asyncio.get_running_loop().time() - begun_s

    assert tools.run_virtually(scenario()) == pytest.approx(0.6)


def test_the_deadline_bounds_all_attempts_and_waits_together(bench: PipelineBench, tools: Tools) -> None:
    async def time_out() -> None:
        await asyncio.sleep(0.25)
        raise LATE

    async def scenario() -> float:
        policy = {"deadline": "600ms", "retry": {"max_attempts": 5}}
        begun_s = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineExceededError):
            await bench.pipeline(policy, really_sleep=True).run(attempt)
        return asyncio.get_running_loop().time() - begun_s

    attempt = tools.Script(time_out)
    assert tools.run_virtually(scenario()) == pytest.approx(0.6)
    assert attempt.numbers == [1, 2, 3]


def test_an_attempt_that_times_out_before_the_deadline_is_a_timeout_not_a_deadline(bench: PipelineBench, tools: Tools) -> None:
    with pytest.raises(AttemptTimeoutError):
        tools.run_virtually(bench.pipeline({"deadline": "600ms"}).run(tools.Script(LATE)))


def test_a_timeout_of_the_callees_own_is_not_taken_for_the_deadline(bench: PipelineBench, tools: Tools) -> None:
    with pytest.raises(TimeoutError, match="something else"):
        tools.run_virtually(bench.pipeline({"deadline": "1s"}).run(tools.Script(TimeoutError("something else"))))


def test_an_attempt_sees_how_much_of_the_deadline_is_left(bench: PipelineBench, tools: Tools) -> None:
    async def look() -> float | None:
        await asyncio.sleep(0.2)
        return remaining_ms()

    left_ms = tools.run_virtually(bench.pipeline({"deadline": "600ms"}).run(tools.Script(look)))
    assert left_ms == pytest.approx(400)


def test_the_callers_own_deadline_holds_when_it_is_the_earlier_one(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> float:
        begun_s = asyncio.get_running_loop().time()
        with deadline_within(100), pytest.raises(DeadlineExceededError):
            await bench.pipeline({"deadline": "600ms"}).run(tools.Script(hang))
        return asyncio.get_running_loop().time() - begun_s

    assert tools.run_virtually(scenario()) == pytest.approx(0.1)


def test_a_call_whose_deadline_has_passed_makes_no_attempt(bench: PipelineBench, tools: Tools) -> None:
    attempt = tools.Script("fine")

    async def scenario() -> None:
        with deadline_within(100):
            await asyncio.sleep(0.1)
            with pytest.raises(DeadlineExceededError, match="had passed before the first attempt"):
                await bench.pipeline({"deadline": "600ms"}).run(attempt)

    tools.run_virtually(scenario())
    assert attempt.numbers == []


def test_a_cancellation_from_outside_is_no_deadline(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> None:
        call = asyncio.ensure_future(bench.pipeline({"deadline": "600ms"}).run(tools.Script(hang)))
        await tools.settle()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    tools.run_virtually(scenario())
