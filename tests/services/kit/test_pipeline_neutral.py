"""What the end of an attempt says about the callee, and what says nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.kit.errors import CallError, DeadlineExceededError, RemoteError, ShedError
from services.kit.resilience.deadline import deadline_within

if TYPE_CHECKING:
    from tests.services.kit.conftest import PipelineBench, Tools

EDGE = "shop->bank"
BUSY = RemoteError(EDGE, 503, "busy")


async def hang() -> None:
    await asyncio.Event().wait()


async def test_a_callee_that_sheds_does_not_open_the_breaker(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"breaker": {"fail_max": 1}})
    attempt = tools.Script(ShedError(EDGE, ""))
    for _ in range(5):
        with pytest.raises(ShedError):
            await pipeline.run(attempt)
    assert len(attempt.numbers) == 5


async def test_nor_does_it_interrupt_failures_in_a_row(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"breaker": {"fail_max": 2}})
    attempt = tools.Script(BUSY, ShedError(EDGE, ""), BUSY)
    for _ in range(3):
        with pytest.raises(CallError):
            await pipeline.run(attempt)
    assert bench.sink.told == ["breaker: open"]


def test_the_edges_own_deadline_that_cuts_an_attempt_is_a_failure(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> None:
        with pytest.raises(DeadlineExceededError):
            await bench.pipeline({"deadline": "100ms", "breaker": {"fail_max": 1}}).run(tools.Script(hang))

    tools.run_virtually(scenario())
    assert bench.sink.told == ["breaker: open"]


def test_a_deadline_that_was_inherited_says_nothing_about_the_callee(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> None:
        with deadline_within(50), pytest.raises(DeadlineExceededError):
            await bench.pipeline({"deadline": "100ms", "breaker": {"fail_max": 1}}).run(tools.Script(hang))

    tools.run_virtually(scenario())
    assert bench.sink.told == []


def test_a_caller_that_is_gone_says_nothing_about_the_callee(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> None:
        pipeline = bench.pipeline({"deadline": "100ms", "breaker": {"fail_max": 1}, "throttle": {"min_requests": 1}})
        call = asyncio.ensure_future(pipeline.run(tools.Script(hang)))
        await tools.settle()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert pipeline.throttle is not None
        assert pipeline.throttle.ratio == 0

    tools.run_virtually(scenario())
    assert bench.sink.told == []


def test_a_hedge_that_is_too_late_to_win_says_nothing_either(bench: PipelineBench, tools: Tools) -> None:
    async def slow() -> str:
        await asyncio.sleep(1)
        return "slow"

    async def quick() -> str:
        await asyncio.sleep(0.01)
        return "quick"

    pipeline = bench.pipeline({"hedge": {"delay": "100ms"}, "breaker": {"fail_max": 1}})
    assert tools.run_virtually(pipeline.run(tools.Script(slow, quick), lambda: True)) == "quick"
    assert bench.sink.told == ["hedge: sent", "hedge: won"]


def test_a_deadline_that_cuts_an_attempt_and_its_hedge_counts_for_both(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> None:
        pipeline = bench.pipeline({"deadline": "100ms", "hedge": {"delay": "50ms"}, "breaker": {"fail_max": 2}})
        with pytest.raises(DeadlineExceededError):
            await pipeline.run(tools.Script(hang), lambda: True)

    tools.run_virtually(scenario())
    assert sorted(bench.sink.told) == ["breaker: open", "hedge: lost", "hedge: sent"]
