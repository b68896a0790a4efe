"""Retry, budget and breaker around one call: what each adds, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.kit.errors import (
    AttemptTimeoutError,
    BreakerOpenError,
    CallError,
    RemoteError,
    UnreachableError,
)

if TYPE_CHECKING:
    from tests.services.kit.conftest import PipelineBench, Tools

EDGE = "shop->bank"
DOWN = UnreachableError(EDGE, "no connection")
LATE = AttemptTimeoutError(EDGE, "no answer in time")
BUSY = RemoteError(EDGE, 503, "busy")


async def test_max_attempts_counts_the_first_one(bench: PipelineBench, tools: Tools) -> None:
    attempt = tools.Script(BUSY)
    with pytest.raises(RemoteError):
        await bench.pipeline({"retry": {"max_attempts": 3}}).run(attempt)
    assert attempt.numbers == [1, 2, 3]
    assert bench.sink.told == ["retry: attempt 2", "retry: attempt 3", "retry_denied: max_attempts"]


async def test_the_answer_of_a_retry_is_the_answer(bench: PipelineBench, tools: Tools) -> None:
    assert await bench.pipeline({"retry": {}}).run(tools.Script(LATE, "fine")) == "fine"


async def test_the_last_attempts_error_is_the_calls_error(bench: PipelineBench, tools: Tools) -> None:
    with pytest.raises(AttemptTimeoutError):
        await bench.pipeline({"retry": {}}).run(tools.Script(DOWN, LATE))


async def test_an_error_that_another_attempt_cannot_mend_is_not_retried(bench: PipelineBench, tools: Tools) -> None:
    attempt = tools.Script(RemoteError(EDGE, 500, "a bug"))
    with pytest.raises(RemoteError):
        await bench.pipeline({"retry": {}}).run(attempt)
    assert attempt.numbers == [1]


async def test_before_each_retry_it_waits_within_that_attempts_cap(bench: PipelineBench, tools: Tools) -> None:
    policy = {"retry": {"max_attempts": 4, "initial_backoff": "20ms", "max_backoff": "50ms"}}
    with pytest.raises(RemoteError):
        await bench.pipeline(policy).run(tools.Script(BUSY))
    assert len(bench.waits_s) == 3
    assert all(0 <= wait_s <= cap_s for wait_s, cap_s in zip(bench.waits_s, (0.020, 0.040, 0.050), strict=True))


async def test_an_error_that_is_no_call_error_passes_at_once(bench: PipelineBench, tools: Tools) -> None:
    attempt = tools.Script(ValueError("our own bug"))
    with pytest.raises(ValueError, match="our own bug"):
        await bench.pipeline({"retry": {}, "breaker": {}}).run(attempt)
    assert attempt.numbers == [1]


async def test_an_empty_budget_denies_retries_and_says_so(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"retry": {}, "budget": {"max_tokens": 4}})
    attempt = tools.Script(BUSY)
    for _ in range(3):
        with pytest.raises(RemoteError):
            await pipeline.run(attempt)
    assert attempt.numbers == [1, 2, 1, 1]
    assert bench.sink.told[-1] == "retry_denied: budget"


async def test_successes_fill_the_budget_again(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"retry": {}, "budget": {"max_tokens": 2, "token_ratio": 1}})
    with pytest.raises(RemoteError):
        await pipeline.run(tools.Script(BUSY))
    for _ in range(2):
        await pipeline.run(tools.Script("fine"))
    assert await pipeline.run(tools.Script("fine")) == "fine"
    assert pipeline.budget is not None
    assert pipeline.budget.tokens == 2


async def test_a_rejection_by_the_breaker_costs_no_token(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"retry": {}, "budget": {"max_tokens": 10}, "breaker": {"fail_max": 1}})
    for _ in range(5):
        with pytest.raises(CallError):
            await pipeline.run(tools.Script(BUSY))
    assert pipeline.budget is not None
    assert pipeline.budget.tokens == 9


async def test_a_rejection_by_the_breaker_is_never_retried(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"retry": {"max_attempts": 5}, "breaker": {"fail_max": 1}})
    attempt = tools.Script(BUSY)
    for _ in range(2):
        with pytest.raises(BreakerOpenError, match="shop->bank: breaker is open"):
            await pipeline.run(attempt)
    assert attempt.numbers == [1]
    assert bench.sink.told == ["breaker: open", "retry: attempt 2", "rejected: breaker", "rejected: breaker"]
    assert len(bench.waits_s) == 1


async def test_a_breaker_that_opens_between_two_attempts_ends_the_call(bench: PipelineBench, tools: Tools) -> None:
    attempt = tools.Script(BUSY)
    with pytest.raises(BreakerOpenError):
        await bench.pipeline({"retry": {"max_attempts": 5}, "breaker": {"fail_max": 2}}).run(attempt)
    assert attempt.numbers == [1, 2]


async def test_the_breaker_counts_attempts_not_calls(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"retry": {"max_attempts": 3}, "breaker": {"fail_max": 3}})
    with pytest.raises(RemoteError):
        await pipeline.run(tools.Script(BUSY))
    assert "breaker: open" in bench.sink.told
