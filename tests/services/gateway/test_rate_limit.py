"""Everybody has a bucket that fills with time, and only so many are remembered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.rate_limit import Rate, RateLimit
from services.kit.errors import TooManyRequestsError
from services.kit.settings import Settings


class HandClock:
    """Seconds that pass when told."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def taken(limit: RateLimit, times: int, key: str = "ada") -> int:
    """How many of so many tries are allowed."""
    allowed = 0
    for _ in range(times):
        try:
            limit.take(key)
        except TooManyRequestsError:
            continue
        allowed += 1
    return allowed


def test_a_burst_is_allowed_and_no_more(clock: HandClock) -> None:
    assert taken(RateLimit(Rate(2, 5), clock), 9) == 5


def test_the_bucket_fills_with_time_up_to_its_burst(clock: HandClock) -> None:
    limit = RateLimit(Rate(2, 5), clock)
    taken(limit, 9)
    clock.now_s += 1.5
    assert taken(limit, 9) == 3
    clock.now_s += 1_000
    assert taken(limit, 9) == 5


def test_a_refusal_costs_nothing(clock: HandClock) -> None:
    limit = RateLimit(Rate(1, 1), clock)
    taken(limit, 100)
    clock.now_s += 1
    assert taken(limit, 100) == 1


@pytest.mark.parametrize(("per_s", "seconds"), [(20, 1), (1, 1), (0.5, 2), (0.3, 4)])
def test_it_says_in_how_many_whole_seconds_there_is_room(clock: HandClock, per_s: float, seconds: int) -> None:
    limit = RateLimit(Rate(per_s, 1), clock)
    limit.take("ada")
    with pytest.raises(TooManyRequestsError) as caught:
        limit.take("ada")
    assert caught.value.headers == {"Retry-After": str(seconds)}
    clock.now_s += seconds
    limit.take("ada")


def test_one_does_not_pay_for_another(clock: HandClock) -> None:
    limit = RateLimit(Rate(1, 2), clock)
    assert [taken(limit, 5, "ada"), taken(limit, 5, "bea")] == [2, 2]


def test_of_more_than_are_remembered_the_one_who_was_away_longest_is_forgotten(clock: HandClock) -> None:
    limit = RateLimit(Rate(1, 1), clock, max_remembered=2)
    for key in ("ada", "bea", "ada", "cleo"):
        taken(limit, 1, key)
    assert [taken(limit, 1, key) for key in ("ada", "bea")] == [0, 1]
    assert len(limit._buckets) == 2


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.floats(0.1, 10))
def test_never_is_more_allowed_than_the_burst_and_what_has_flowed_in(pauses_s: list[float], burst: int, per_s: float) -> None:
    clock = HandClock()
    limit = RateLimit(Rate(per_s, burst), clock)
    allowed = 0
    for pause_s in pauses_s:
        clock.now_s += pause_s
        allowed += taken(limit, 1)
    assert allowed <= burst + per_s * sum(pauses_s) + 1e-6


@pytest.mark.parametrize(("per_s", "burst"), [(20, 40), (0.5, 1), (0.1, 1)])
def test_two_seconds_worth_may_come_at_once_and_one_always(per_s: float, burst: float) -> None:
    assert Rate.with_burst(per_s) == Rate(per_s, burst)


def test_the_load_of_an_experiment_is_not_limited() -> None:
    arrivals_per_s, requests_of_a_journey, customers = 74, 2, 20
    settings = Settings(service="gateway")
    assert arrivals_per_s * requests_of_a_journey < settings.rate_limit_address
    assert arrivals_per_s * requests_of_a_journey / customers < settings.rate_limit_user
