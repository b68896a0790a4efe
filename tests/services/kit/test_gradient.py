"""The law of the adaptive limit: within bounds, growing only when used, falling when a queue grows, and coming back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.resilience.gradient import MIN_SAMPLES, Gradient2
from services.policy import Limit
from tests.services.kit.conftest import HandClock

POLICY = Limit(initial_limit=20, min_limit=4, max_limit=60)
QUICK_S, SLOW_S = 0.050, 0.400


class Watched:
    """A limit that is told of whole windows."""

    def __init__(self, policy: Limit = POLICY) -> None:
        self.clock = HandClock()
        self.gradient = Gradient2(policy, self.clock)

    def windows(self, count: int, rtt_s: float, in_flight: int | None = None, samples: int = MIN_SAMPLES) -> None:
        """Windows of `samples` requests each; as many at once as may be unless `in_flight` says how many."""
        for _ in range(count):
            self.clock.advance_ms(POLICY.window_ms + 1)
            used = self.gradient.limit if in_flight is None else in_flight
            for number in range(samples):
                if number == samples - 1:
                    self.clock.advance_ms(1)
                self.gradient.took(rtt_s, used)

    @property
    def limit(self) -> int:
        return self.gradient.limit


def calm() -> Watched:
    """After a while of quick answers, with little under way."""
    watched = Watched()
    watched.windows(20, QUICK_S, in_flight=3)
    return watched


rounds = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1_000), st.booleans(), st.floats(0, 5_000)), max_size=200)


@given(rounds=rounds, initial=st.integers(1, 100), room=st.integers(0, 100))
def test_the_limit_stays_within_its_bounds_whatever_comes(
    rounds: list[tuple[float, int, bool, float]], initial: int, room: int
) -> None:
    policy = Limit(initial_limit=initial, min_limit=max(1, initial - room), max_limit=initial + room, window_ms="100ms")
    clock = HandClock()
    gradient = Gradient2(policy, clock)
    for rtt_s, in_flight, done, passed_ms in rounds:
        clock.advance_ms(passed_ms)
        (gradient.took if done else gradient.gave_up)(rtt_s, in_flight)
        assert policy.min_limit <= gradient.limit <= policy.max_limit


@given(rtts_s=st.lists(st.floats(0.001, 10), max_size=30))
def test_the_limit_never_changes_while_less_than_half_of_it_is_used(rtts_s: list[float]) -> None:
    watched = Watched()
    for rtt_s in rtts_s:
        watched.windows(1, rtt_s, in_flight=POLICY.initial_limit // 2 - 1)
    assert watched.limit == POLICY.initial_limit


@given(rtt_s=st.floats(0.001, 10), windows=st.integers(1, 40))
def test_the_limit_grows_while_it_is_used_and_nothing_gets_slower(rtt_s: float, windows: int) -> None:
    watched = Watched()
    for _ in range(windows):
        before = watched.limit
        watched.windows(1, rtt_s)
        assert watched.limit >= before
    assert watched.limit > POLICY.initial_limit or windows < 3


@given(times=st.floats(3.5, 1_000))
def test_the_limit_falls_when_the_round_trip_grows(times: float) -> None:
    watched = calm()
    watched.windows(12, QUICK_S * times)
    assert POLICY.min_limit <= watched.limit < POLICY.initial_limit


def test_a_little_slower_is_no_queue() -> None:
    watched = calm()
    watched.windows(10, QUICK_S * 1.4)
    assert watched.limit > POLICY.initial_limit


def test_the_limit_comes_back_when_the_queue_is_gone() -> None:
    watched = calm()
    watched.windows(20, SLOW_S)
    fallen = watched.limit
    watched.windows(60, QUICK_S)
    assert fallen < POLICY.initial_limit < watched.limit


def test_what_was_usual_in_a_long_overload_is_soon_forgotten() -> None:
    watched = Watched()
    watched.windows(30, SLOW_S)
    watched.windows(60, QUICK_S, in_flight=3)
    watched.windows(12, SLOW_S)
    assert watched.limit < POLICY.max_limit


def test_a_window_of_few_requests_says_nothing() -> None:
    watched = calm()
    watched.windows(20, SLOW_S, samples=MIN_SAMPLES - 1)
    assert watched.limit == POLICY.initial_limit


def test_what_is_no_work_is_not_counted() -> None:
    watched = Watched()
    watched.windows(20, 0.000_05)
    watched.windows(1, QUICK_S, samples=MIN_SAMPLES - 1)
    assert watched.limit == POLICY.initial_limit


def test_one_window_lowers_the_limit_by_no_more_than_half_of_what_smoothing_lets_through() -> None:
    watched = calm()
    watched.windows(1, QUICK_S * 1_000)
    assert watched.limit == int(20 * 0.8 + (20 * 0.5 + 4) * 0.2)


@pytest.mark.parametrize(("after_s", "falls"), [(0.001, False), (SLOW_S, True)])
def test_a_failure_tells_of_a_queue_only_when_it_was_slow(after_s: float, *, falls: bool) -> None:
    watched = calm()
    for _ in range(20):
        watched.clock.advance_ms(POLICY.window_ms + 1)
        for _ in range(MIN_SAMPLES + 1):
            watched.gradient.gave_up(after_s, watched.limit)
    assert (watched.limit < POLICY.initial_limit) is falls
