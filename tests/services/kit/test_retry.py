"""When another attempt may help, and how long to wait before it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import (
    AttemptTimeoutError,
    BreakerOpenError,
    CallError,
    DeadlineExceededError,
    RemoteError,
    UnreachableError,
)
from services.kit.resilience.retry import backoff_ms, may_pass
from services.policy import Retry as RetryPolicy

EDGE = "shop->bank"


@pytest.mark.parametrize(
    "error",
    [UnreachableError(EDGE, ""), AttemptTimeoutError(EDGE, ""), *(RemoteError(EDGE, status, "") for status in (502, 503, 504))],
    ids=repr,
)
def test_what_may_pass_is_worth_another_attempt(error: CallError) -> None:
    assert may_pass(RetryPolicy(), error)


@pytest.mark.parametrize(
    "error",
    [BreakerOpenError(EDGE, ""), DeadlineExceededError(EDGE, ""), RemoteError(EDGE, 500, ""), RemoteError(EDGE, 501, "")],
    ids=repr,
)
def test_a_rejection_a_spent_deadline_and_a_bug_are_not(error: CallError) -> None:
    assert not may_pass(RetryPolicy(), error)


def test_the_policy_says_which_statuses_may_pass() -> None:
    only_500 = RetryPolicy(retryable_statuses=(500,))
    assert may_pass(only_500, RemoteError(EDGE, 500, ""))
    assert not may_pass(only_500, RemoteError(EDGE, 503, ""))


@given(
    initial_ms=st.integers(1, 1_000),
    max_ms=st.integers(1, 10_000),
    multiplier=st.floats(1, 10),
    attempt=st.integers(2, 5),
    seed=st.integers(),
)
def test_the_wait_is_between_zero_and_the_cap_of_its_attempt(
    initial_ms: int, max_ms: int, multiplier: float, attempt: int, seed: int
) -> None:
    policy = RetryPolicy(
        initial_backoff_ms=f"{initial_ms}ms", max_backoff_ms=f"{max_ms}ms", backoff_multiplier=multiplier, max_attempts=5
    )
    cap_ms = min(initial_ms * multiplier ** (attempt - 2), max_ms)
    assert 0 <= backoff_ms(policy, attempt, random.Random(seed)) <= cap_ms


@pytest.mark.parametrize(("attempt", "cap_ms"), [(2, 20), (3, 40), (4, 80), (5, 100)])
def test_jitter_is_full_it_fills_everything_from_zero_to_the_cap(attempt: int, cap_ms: float) -> None:
    policy = RetryPolicy(initial_backoff_ms="20ms", max_backoff_ms="100ms", backoff_multiplier=2, max_attempts=5)
    rng = random.Random(1)
    waits = [backoff_ms(policy, attempt, rng) for _ in range(2_000)]
    assert min(waits) < 0.01 * cap_ms
    assert max(waits) > 0.99 * cap_ms
    assert sum(waits) / len(waits) == pytest.approx(cap_ms / 2, rel=0.05)
