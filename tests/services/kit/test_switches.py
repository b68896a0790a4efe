"""What is left of an edge's protection under the profile `none` and with one pattern switched off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from services.kit.errors import (
    CallError,
    RemoteError,
)
from services.kit.resilience.deadline import remaining_ms
from services.policy import EdgePolicy, Pattern, Profile, Switch, effective_policy

if TYPE_CHECKING:
    from tests.services.kit.conftest import PipelineBench, Tools

EDGE = "shop->bank"
BUSY = RemoteError(EDGE, 503, "busy")
EVERYTHING = EdgePolicy.model_validate(
    {
        "deadline": "1s",
        "timeout": {"attempt": "400ms"},
        "retry": {"max_attempts": 3},
        "budget": {"max_tokens": 4},
        "breaker": {"fail_max": 2},
    }
)


def without(pattern: str, profile: Profile = Profile.DECLARED) -> EdgePolicy:
    switches = (Switch.parse(pattern, (EDGE,), ()),) if pattern else ()
    return effective_policy(EVERYTHING, EDGE, profile, switches)


def test_the_profile_none_adds_nothing(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline(without("", Profile.NONE))

    async def look() -> float | None:
        await asyncio.sleep(3_600)
        return remaining_ms()

    assert tools.run_virtually(pipeline.run(tools.Script(look))) is None
    attempt = tools.Script(BUSY)
    for _ in range(20):
        with pytest.raises(RemoteError):
            tools.run_virtually(pipeline.run(attempt))
    assert attempt.numbers == [1] * 20
    assert bench.sink.decisions == []


async def failing_calls(bench: PipelineBench, tools: Tools, policy: EdgePolicy, calls: int = 3) -> list[int]:
    """Numbers of the attempts that several failing calls make."""
    pipeline = bench.pipeline(policy)
    attempt = tools.Script(BUSY)
    for _ in range(calls):
        with pytest.raises(CallError):
            await pipeline.run(attempt)
    return attempt.numbers


async def test_with_everything_on_the_breaker_stops_failing_calls(bench: PipelineBench, tools: Tools) -> None:
    assert await failing_calls(bench, tools, without("")) == [1, 2]


async def test_without_the_breaker_every_call_is_tried_and_only_the_budget_limits_retries(
    bench: PipelineBench, tools: Tools
) -> None:
    assert await failing_calls(bench, tools, without("breaker")) == [1, 2, 1, 1]


async def test_without_retry_there_is_one_attempt_a_call(bench: PipelineBench, tools: Tools) -> None:
    assert await failing_calls(bench, tools, without("retry")) == [1, 1]


async def test_without_the_budget_only_max_attempts_limits_retries(bench: PipelineBench, tools: Tools) -> None:
    assert await failing_calls(bench, tools, without("budget").without(Pattern.BREAKER)) == [1, 2, 3] * 3


def test_without_the_deadline_a_slow_call_is_waited_for(bench: PipelineBench, tools: Tools) -> None:
    async def slow() -> str:
        await asyncio.sleep(60)
        return "fine"

    assert tools.run_virtually(bench.pipeline(without("deadline")).run(tools.Script(slow))) == "fine"


async def test_a_switch_of_another_edge_changes_nothing_here(bench: PipelineBench, tools: Tools) -> None:
    switch = Switch.parse("breaker@shop->post", (EDGE, "shop->post"), ())
    policy = effective_policy(EVERYTHING, EDGE, Profile.DECLARED, (switch,))
    assert await failing_calls(bench, tools, policy) == [1, 2]
