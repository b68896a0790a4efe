"""Client-side throttling: what is not accepted is not sent, with the probability that the book gives."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import (
    AttemptTimeoutError,
    BreakerOpenError,
    BulkheadFullError,
    CallError,
    DeadlineExceededError,
    RemoteError,
    ShedError,
    UnreachableError,
)
from services.kit.resilience.throttle import ClientThrottle, is_accepted, rejection_probability
from services.policy import Throttle

if TYPE_CHECKING:
    from tests.services.kit.conftest import HandClock

EDGE = "shop->bank"
SHED = ShedError(EDGE, "")


def throttle(clock: HandClock, k: float = 2.0, min_requests: int = 10, seed: int = 7) -> ClientThrottle:
    return ClientThrottle(Throttle(k=k, window_ms="10s", min_requests=min_requests), clock, random.Random(seed))


@pytest.mark.parametrize("status", [500, 501, 502, 504])
def test_an_answer_is_an_acceptance_even_an_error(status: int) -> None:
    assert is_accepted(RemoteError(EDGE, status, "")) is True


@pytest.mark.parametrize(
    "error",
    [
        SHED,
        RemoteError(EDGE, 503, ""),
        UnreachableError(EDGE, ""),
        AttemptTimeoutError(EDGE, ""),
        DeadlineExceededError(EDGE, ""),
    ],
    ids=repr,
)
def test_a_no_and_silence_are_none(error: CallError) -> None:
    assert is_accepted(error) is False


@pytest.mark.parametrize("error", [BreakerOpenError(EDGE, ""), BulkheadFullError(EDGE, ""), ValueError("a bug")], ids=repr)
def test_what_the_callee_was_never_asked_says_nothing(error: Exception, clock: HandClock) -> None:
    assert is_accepted(error) is None
    throttled = throttle(clock, min_requests=1)
    for _ in range(100):
        throttled.ended(error)
        throttled.ended(None)
    assert throttled.ratio == 0


@given(requests=st.integers(0, 10_000), k=st.floats(1, 100), data=st.data())
def test_the_probability_is_between_nothing_and_all_and_nothing_while_enough_is_accepted(
    requests: int, k: float, data: st.DataObject
) -> None:
    accepts = data.draw(st.integers(0, requests))
    probability = rejection_probability(requests, accepts, k)
    assert 0 <= probability < 1
    assert (probability == 0) == (requests <= k * accepts)


@given(outcomes=st.lists(st.booleans(), max_size=200), k=st.floats(1, 5))
def test_its_ratio_is_the_law_over_what_ended_in_the_window(outcomes: list[bool], k: float) -> None:
    throttled = ClientThrottle(Throttle(k=k, window_ms="10s", min_requests=1), lambda: 1_000.0, random.Random(1))
    for accepted in outcomes:
        throttled.accepted() if accepted else throttled.ended(SHED)
    assert throttled.ratio == min(0.8, rejection_probability(len(outcomes), sum(outcomes), k))


def test_it_rejects_with_the_probability_that_it_states(clock: HandClock) -> None:
    rejected = 0
    for seed in range(2_000):
        throttled = throttle(clock, seed=seed)
        for _ in range(10):
            throttled.accepted()
        for _ in range(30):
            throttled.ended(SHED)
        assert throttled.ratio == pytest.approx((40 - 2 * 10) / 41)
        rejected += not throttled.admits()
    assert rejected / 2_000 == pytest.approx(20 / 41, abs=0.04)


def test_below_the_minimum_of_requests_nobody_is_rejected(clock: HandClock) -> None:
    throttled = throttle(clock, min_requests=10)
    for _ in range(9):
        throttled.ended(SHED)
        assert throttled.admits()
    throttled.ended(SHED)
    assert throttled.ratio == 0.8


def test_a_callee_that_accepts_all_is_sent_all(clock: HandClock) -> None:
    throttled = throttle(clock)
    for _ in range(1_000):
        assert throttled.admits()
        throttled.accepted()


def test_what_is_older_than_the_window_is_forgotten(clock: HandClock) -> None:
    throttled = throttle(clock)
    for _ in range(100):
        throttled.ended(SHED)
    assert throttled.ratio == 0.8
    clock.advance_ms(10_000)
    assert throttled.ratio == 0
    assert throttled.admits()


def test_a_callee_that_accepts_a_fixed_rate_is_sent_about_k_times_of_it(clock: HandClock) -> None:
    """The book's promise, for k = 2: of 100 calls in 100 ms a callee accepts the first 20, and is sent about 40."""
    throttled = throttle(clock)
    sent = []
    for _ in range(400):
        accepted_now = sent_now = 0
        for _ in range(100):
            if throttled.admits():
                sent_now += 1
                if accepted_now < 20:
                    accepted_now += 1
                    throttled.accepted()
                else:
                    throttled.ended(SHED)
        sent.append(sent_now)
        clock.advance_ms(100)
    assert sum(sent[200:]) / 200 == pytest.approx(40, rel=0.1)


def test_after_an_outage_it_lets_all_through_again_within_two_windows(clock: HandClock) -> None:
    """By the book's formula alone it would take five: nothing was accepted, so next to nothing is sent."""
    throttled = throttle(clock)
    for _ in range(1_000):
        throttled.ended(SHED)
    for _ in range(200):
        for _ in range(20):
            if throttled.admits():
                throttled.accepted()
        clock.advance_ms(100)
    assert throttled.ratio == 0
