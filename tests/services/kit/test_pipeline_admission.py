"""Throttle and bulkhead around a call: who is not let through, and what holds a place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.kit.errors import BulkheadFullError, CallError, DeadlineExceededError, RemoteError, ShedError, ThrottledError

if TYPE_CHECKING:
    from tests.services.kit.conftest import PipelineBench, Tools

EDGE = "shop->bank"
BUSY = RemoteError(EDGE, 503, "busy")


async def hang() -> None:
    await asyncio.Event().wait()


async def test_a_callee_that_sheds_everything_is_sent_less(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"throttle": {"k": 1}})
    attempt = tools.Script(ShedError(EDGE, ""))
    ends = await asyncio.gather(*(pipeline.run(attempt) for _ in range(200)), return_exceptions=True)
    throttled = sum(isinstance(each, ThrottledError) for each in ends)
    assert len(attempt.numbers) == sum(isinstance(each, ShedError) for each in ends) == 200 - throttled
    assert throttled > 100
    assert bench.sink.told == ["rejected: throttle"] * throttled


async def test_a_throttled_call_is_not_retried_and_holds_no_place(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"throttle": {"k": 1}, "bulkhead": {}, "retry": {"max_attempts": 5}})
    for _ in range(100):
        with pytest.raises(CallError):
            await pipeline.run(tools.Script(BUSY))
    told = bench.sink.told
    assert told.count("retry: attempt 2") == 100 - told.count("rejected: throttle")
    assert pipeline.bulkhead is not None
    assert pipeline.bulkhead.in_use == 0


async def test_a_call_counts_once_for_the_throttle_however_many_attempts_it_takes(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"throttle": {"k": 1, "min_requests": 1}, "retry": {"max_attempts": 3}})
    assert pipeline.throttle is not None
    await pipeline.run(tools.Script(BUSY, BUSY, "fine"))
    assert pipeline.throttle.ratio == 0
    with pytest.raises(RemoteError):
        await pipeline.run(tools.Script(BUSY))
    assert pipeline.throttle.ratio == pytest.approx((2 - 1) / 3)


def test_a_full_bulkhead_turns_calls_away_and_its_place_is_free_after_each_end(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> None:
        pipeline = bench.pipeline({"bulkhead": {"max_concurrent": 1}, "retry": {}})
        under_way = asyncio.ensure_future(pipeline.run(tools.Script(hang)))
        await tools.settle()
        with pytest.raises(BulkheadFullError, match="shop->bank: the bulkhead is full: 1 under way and 0 waiting"):
            await pipeline.run(tools.Script("fine"))
        assert pipeline.bulkhead is not None
        assert pipeline.bulkhead.in_use == 1
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
        with pytest.raises(RemoteError):
            await pipeline.run(tools.Script(RemoteError(EDGE, 500, "")))
        assert await pipeline.run(tools.Script("fine")) == "fine"
        assert pipeline.bulkhead.in_use == 0

    tools.run_virtually(scenario())
    assert bench.sink.told == ["rejected: bulkhead"]


def test_a_call_that_waited_for_its_place_says_how_long(bench: PipelineBench, tools: Tools) -> None:
    async def slow() -> str:
        await asyncio.sleep(0.04)
        return "slow"

    async def scenario() -> None:
        pipeline = bench.pipeline({"bulkhead": {"max_concurrent": 1, "max_waiting": 1}})
        await asyncio.gather(pipeline.run(tools.Script(slow)), pipeline.run(tools.Script("fine")))

    tools.run_virtually(scenario())
    (decision,) = bench.sink.decisions
    assert (decision.verb, decision.detail, decision.reason) == ("waited", "bulkhead", "40.0 ms for a place")


def test_the_wait_for_a_place_counts_against_the_deadline(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> None:
        pipeline = bench.pipeline(
            {
                "deadline": "50ms",
                "bulkhead": {"max_concurrent": 1, "max_waiting": 1, "max_wait": "40ms"},
                "breaker": {"fail_max": 1},
            }
        )
        assert pipeline.bulkhead is not None
        assert pipeline.bulkhead.try_enter()
        asyncio.get_running_loop().call_later(0.03, pipeline.bulkhead.leave)
        begun_s = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineExceededError):
            await pipeline.run(tools.Script(hang))
        assert asyncio.get_running_loop().time() - begun_s == pytest.approx(0.05)
        assert pipeline.bulkhead.in_use == 0

    tools.run_virtually(scenario())
