"""Retries and hedges together: what they may add to the load, and what a callee may ask of them."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import CallError, RemoteError, ShedError
from services.kit.resilience.budget import RetryBudget
from services.kit.resilience.course import Course
from services.kit.resilience.deadline import deadline_within
from services.kit.resilience.pipeline import EdgePipeline
from services.policy import Budget, EdgePolicy
from tests.services.kit.virtual import run_virtually

if TYPE_CHECKING:
    from services.kit.resilience.decision import Decision
    from tests.services.kit.conftest import PipelineBench, Tools

EDGE = "shop->bank"
BUSY = RemoteError(EDGE, 503, "busy")


class Deaf:
    """Keeps no decision."""

    def decided(self, decision: Decision) -> None:
        pass


@given(
    max_tokens=st.floats(1, 50),
    token_ratio=st.floats(0.01, 1),
    steps=st.lists(st.sampled_from(["success", "failure", "late"]), max_size=400),
)
def test_retries_and_hedges_stay_below_half_of_the_tokens_and_the_ratio_of_successes(
    max_tokens: float, token_ratio: float, steps: list[str]
) -> None:
    budget = RetryBudget(Budget(max_tokens=max_tokens, token_ratio=token_ratio))
    successes = granted = 0
    for step in steps:
        if step == "success":
            budget.succeeded()
            successes += 1
        elif step == "failure":
            budget.failed()
            granted += budget.allows_retry()
        else:
            granted += budget.take_for_hedge()
        assert granted <= max_tokens / 2 + token_ratio * successes + 1e-9


OUTCOMES = st.tuples(st.integers(0, 400).map(lambda whole_ms: whole_ms + 0.5), st.booleans())


@given(outcomes=st.lists(OUTCOMES, min_size=1, max_size=12), calls=st.integers(1, 30), seed=st.integers(0, 1_000))
def test_calls_through_the_pipeline_never_exceed_the_budget_however_they_overlap(
    outcomes: list[tuple[float, bool]], calls: int, seed: int
) -> None:
    policy = EdgePolicy.model_validate(
        {"retry": {"max_attempts": 3}, "hedge": {"delay": "100ms"}, "budget": {"max_tokens": 6, "token_ratio": 0.2}}
    )
    made = succeeded = 0

    async def attempt(number: int, course: Course) -> str:
        nonlocal made
        after_ms, good = outcomes[made % len(outcomes)]
        made += 1
        await asyncio.sleep(after_ms / 1_000)
        if good:
            return "fine"
        raise BUSY

    async def scenario() -> None:
        nonlocal succeeded
        rng = random.Random(seed)
        pipeline = EdgePipeline(EDGE, policy, Deaf(), rng, asyncio.get_running_loop().time)

        async def call() -> None:
            nonlocal succeeded
            await asyncio.sleep(rng.uniform(0, 1))
            try:
                await pipeline.run(attempt, lambda: True)
            except CallError:
                return
            succeeded += 1

        await asyncio.gather(*(call() for _ in range(calls)))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(scenario())
    assert made - calls <= 6 / 2 + 0.2 * succeeded


@given(own_ms=st.none() | st.integers(1, 1_000), limits=st.lists(st.none() | st.integers(1, 1_000), max_size=5))
def test_a_deadline_only_shrinks_however_deep_calls_are_nested(own_ms: int | None, limits: list[int | None]) -> None:
    policy = EdgePolicy.model_validate({"deadline": f"{own_ms}ms"} if own_ms else {})

    async def scenario() -> None:
        pipeline = EdgePipeline(EDGE, policy, Deaf(), random.Random(1), asyncio.get_running_loop().time)

        async def nested(rest: list[int | None], at_most_s: float | None) -> None:
            async def attempt(number: int, course: Course) -> None:
                with deadline_within(None) as found_s:
                    assert (found_s is None) == (at_most_s is None and own_ms is None)
                    assert found_s is None or at_most_s is None or found_s <= at_most_s
                    if rest:
                        with deadline_within(rest[0]) as deeper_s:
                            await nested(rest[1:], deeper_s)

            await pipeline.run(attempt)

        await nested(limits, None)

    run_virtually(scenario())


async def test_a_callee_that_asks_for_time_is_given_it_before_the_backoff(bench: PipelineBench, tools: Tools) -> None:
    error = RemoteError(EDGE, 503, "busy", retry_after_ms=2_000)
    assert await bench.pipeline({"retry": {}}).run(tools.Script(error, "fine")) == "fine"
    (wait_s,) = bench.waits_s
    assert 2 <= wait_s <= 2.02


async def test_a_shed_request_is_tried_again(bench: PipelineBench, tools: Tools) -> None:
    assert await bench.pipeline({"retry": {}}).run(tools.Script(ShedError(EDGE, ""), "fine")) == "fine"


def test_a_wait_that_does_not_fit_into_the_deadline_is_not_begun(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> float:
        begun_s = asyncio.get_running_loop().time()
        with pytest.raises(ShedError):
            await bench.pipeline({"deadline": "600ms", "retry": {}}).run(tools.Script(ShedError(EDGE, "", 1_000), "fine"))
        return asyncio.get_running_loop().time() - begun_s

    assert tools.run_virtually(scenario()) == 0
    assert bench.sink.told == ["retry_denied: retry_after"]


async def test_nobody_waits_for_longer_than_a_call_may_take(bench: PipelineBench, tools: Tools) -> None:
    with pytest.raises(ShedError):
        await bench.pipeline({"retry": {}}).run(tools.Script(ShedError(EDGE, "", 3_600_000), "fine"))
    assert (bench.sink.told, bench.waits_s) == (["retry_denied: retry_after"], [])


def test_a_backoff_that_does_not_fit_leaves_the_real_cause(bench: PipelineBench, tools: Tools) -> None:
    async def late() -> None:
        await asyncio.sleep(0.0999999)
        raise BUSY

    policy = {"deadline": "100ms", "retry": {"initial_backoff": "50ms"}}
    with pytest.raises(RemoteError):
        tools.run_virtually(bench.pipeline(policy).run(tools.Script(late)))
    assert bench.sink.told == ["retry_denied: deadline"]


async def slow() -> str:
    await asyncio.sleep(1)
    return "slow"


@pytest.mark.parametrize(
    ("policy", "others", "reason"),
    [
        ({"hedge": {"delay": "100ms"}}, [], "no other replica is up"),
        ({"hedge": {"delay": "100ms"}, "budget": {"max_tokens": 1}}, ["bank/2"], "the budget is spent"),
    ],
)
def test_a_hedge_that_is_not_sent_says_why(
    bench: PipelineBench, tools: Tools, policy: dict[str, dict[str, object]], others: list[str], reason: str
) -> None:
    attempt = tools.Script(slow)
    assert tools.run_virtually(bench.pipeline(policy).run(attempt, lambda: bool(others))) == "slow"
    assert attempt.numbers == [1]
    assert [(each.verb, each.detail, each.reason) for each in bench.sink.decisions] == [("hedge", "denied", reason)]


def test_a_breaker_that_is_not_closed_gets_no_hedges(bench: PipelineBench, tools: Tools) -> None:
    async def scenario() -> str:
        pipeline = bench.pipeline({"hedge": {"delay": "100ms"}, "breaker": {"fail_max": 1, "reset_timeout": "1s"}})
        with pytest.raises(RemoteError):
            await pipeline.run(tools.Script(BUSY), lambda: True)
        bench.clock.advance_ms(1_000)
        return str(await pipeline.run(tools.Script(slow), lambda: True))

    assert tools.run_virtually(scenario()) == "slow"
    assert bench.sink.decisions[-2].reason == "the breaker is half-open"


def test_a_call_that_must_not_be_hedged_is_not(bench: PipelineBench, tools: Tools) -> None:
    attempt = tools.Script(slow)
    tools.run_virtually(bench.pipeline({"hedge": {"delay": "100ms"}}).run(attempt))
    assert (attempt.numbers, bench.sink.told) == ([1], [])


def test_hedges_of_all_attempts_of_a_call_share_one_allowance(bench: PipelineBench, tools: Tools) -> None:
    async def late() -> None:
        await asyncio.sleep(0.15)
        raise BUSY

    attempt = tools.Script(late)
    policy = {"hedge": {"delay": "100ms"}, "retry": {"max_attempts": 3}}
    with pytest.raises(RemoteError):
        tools.run_virtually(bench.pipeline(policy, really_sleep=True).run(attempt, lambda: True))
    assert attempt.numbers == [1, 2, 3, 4]
    assert bench.sink.told.count("hedge: sent") == 1
