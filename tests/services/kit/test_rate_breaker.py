"""The breaker by rates: its thresholds, its window and its half-open decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import UnreachableError
from services.kit.resilience.breaker import CLOSED, HALF_OPEN, OPEN
from services.kit.resilience.rate_breaker import RateBreaker
from services.kit.resilience.window import BUCKETS, Window
from services.policy import RateBreaker as RateBreakerPolicy

if TYPE_CHECKING:
    from services.kit.resilience.permit import Permit
    from tests.services.kit.conftest import HandClock

DOWN = UnreachableError("shop->bank", "no connection")
RESET_MS = 5_000
WINDOW_MS = 10_000


class Watched:
    """A breaker that opens at half of at least four calls, and decides by four; and what it told."""

    def __init__(self, clock: HandClock, **parameters: object) -> None:
        self.clock = clock
        self.changes: list[tuple[str, str]] = []
        declared = {"kind": "rate", "minimum_calls": 4, "permitted_calls_in_half_open": 4, "reset_timeout_ms": "5s"}
        policy = RateBreakerPolicy.model_validate(declared | parameters)
        self.breaker = RateBreaker(policy, clock, lambda old, new: self.changes.append((old, new)))

    @property
    def state(self) -> str:
        return self.breaker.state

    def admitted(self) -> Permit[object]:
        permit = self.breaker.admit()
        assert permit is not None
        return permit

    def end(self, outcomes: str, lasting_ms: float = 0) -> None:
        """Calls one after the other: `f` fails, `s` succeeds."""
        for outcome in outcomes:
            permit = self.admitted()
            self.clock.advance_ms(lasting_ms)
            permit.failed(DOWN) if outcome == "f" else permit.succeeded()

    def half_open(self) -> None:
        self.end("ffff")
        self.clock.advance_ms(RESET_MS)


@pytest.mark.parametrize("outcomes", ["ssff", "ffss", "ffff", "sfsf"])
def test_it_opens_when_the_share_of_failures_reaches_the_threshold(clock: HandClock, outcomes: str) -> None:
    watched = Watched(clock)
    watched.end(outcomes)
    assert watched.state == OPEN
    assert watched.changes == [(CLOSED, OPEN)]


def test_failures_below_the_threshold_leave_it_closed(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.end("sssffss" * 20)
    assert watched.state == CLOSED


def test_fewer_calls_than_the_minimum_say_nothing(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.end("fff")
    assert watched.state == CLOSED


def test_failures_older_than_the_window_are_forgotten(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.end("fff")
    clock.advance_ms(WINDOW_MS)
    watched.end("sfss")
    assert watched.state == CLOSED


def test_successes_older_than_the_window_are_forgotten_too(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.end("s" * 1_000)
    clock.advance_ms(WINDOW_MS)
    watched.end("ffff")
    assert watched.state == OPEN


def test_slow_calls_open_it_though_they_succeed(clock: HandClock) -> None:
    watched = Watched(clock, slow_call_duration_ms="1s", slow_call_rate_threshold=75)
    watched.end("s")
    watched.end("ss", lasting_ms=1_001)
    assert watched.state == CLOSED
    watched.end("s", lasting_ms=1_001)
    assert watched.state == OPEN


def test_a_call_of_exactly_the_slow_duration_is_not_slow(clock: HandClock) -> None:
    watched = Watched(clock, slow_call_duration_ms="1s", slow_call_rate_threshold=1)
    watched.end("ssss", lasting_ms=1_000)
    assert watched.state == CLOSED


def test_without_a_slow_duration_no_call_is_slow(clock: HandClock) -> None:
    watched = Watched(clock, slow_call_rate_threshold=1)
    watched.end("ssss", lasting_ms=9_000)
    assert watched.state == CLOSED


def test_calls_at_once_are_timed_each_from_its_own_beginning(clock: HandClock) -> None:
    watched = Watched(clock, slow_call_duration_ms="1s", slow_call_rate_threshold=50)
    slow = [watched.admitted() for _ in range(2)]
    clock.advance_ms(1_001)
    quick = [watched.admitted() for _ in range(2)]
    for permit in (*quick, slow[0]):
        permit.succeeded()
    assert watched.state == CLOSED
    slow[1].succeeded()
    assert watched.state == OPEN


def test_while_open_it_admits_nobody_until_the_reset_timeout(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.half_open()
    clock.advance_ms(-1)
    assert watched.breaker.admit() is None
    clock.advance_ms(1)
    assert watched.breaker.admit() is not None
    assert watched.state == HALF_OPEN


def test_half_open_admits_only_the_permitted_calls(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.half_open()
    assert [watched.breaker.admit() is not None for _ in range(6)] == [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    ("outcomes", "state"), [("fsf", OPEN), ("ff", OPEN), ("sss", CLOSED), ("sfs", HALF_OPEN), ("sfss", CLOSED)]
)
def test_half_open_ends_as_soon_as_the_missing_calls_could_not_change_it(clock: HandClock, outcomes: str, state: str) -> None:
    watched = Watched(clock)
    watched.half_open()
    watched.end(outcomes[:4])
    assert watched.state == state


def test_half_open_opens_again_when_its_calls_are_slow(clock: HandClock) -> None:
    watched = Watched(clock, slow_call_duration_ms="1s", slow_call_rate_threshold=50)
    watched.half_open()
    watched.end("ss", lasting_ms=1_001)
    assert watched.state == OPEN


def test_what_happened_before_it_opened_does_not_count_once_it_has_closed(clock: HandClock) -> None:
    watched = Watched(clock, reset_timeout_ms="1s")
    watched.end("ffff")
    clock.advance_ms(1_000)
    watched.end("sss")
    watched.end("fff")
    assert watched.state == CLOSED
    watched.end("f")
    assert watched.state == OPEN


def test_a_cancelled_probe_gives_its_place_back_and_decides_nothing(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.half_open()
    for _ in range(20):
        watched.admitted().abandoned()
    assert watched.state == HALF_OPEN
    watched.end("sss")
    assert watched.state == CLOSED


def test_cancellations_while_closed_are_neither_calls_nor_failures(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.end("ff")
    for _ in range(20):
        watched.admitted().abandoned()
    watched.end("f")
    assert watched.state == CLOSED
    watched.end("f")
    assert watched.state == OPEN


def test_probes_that_stay_silent_lose_their_places_after_a_reset_timeout(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.half_open()
    silent = [watched.admitted() for _ in range(4)]
    clock.advance_ms(RESET_MS - 1)
    assert watched.breaker.admit() is None
    clock.advance_ms(1)
    watched.end("s")
    for permit in silent:
        permit.failed(DOWN)
    assert watched.state == HALF_OPEN
    watched.end("ss")
    assert watched.state == CLOSED


def test_a_listener_that_fails_never_reaches_the_call(clock: HandClock, caplog: pytest.LogCaptureFixture) -> None:
    def fail(old: str, new: str) -> None:
        raise RuntimeError("the listener is broken")

    breaker = RateBreaker(RateBreakerPolicy(kind="rate", minimum_calls=1), clock, fail)
    permit = breaker.admit()
    assert permit is not None
    permit.failed(DOWN)
    assert breaker.state == OPEN
    assert [record.message for record in caplog.records] == ["a breaker's listener failed"]


@given(
    length_s=st.sampled_from([0.1, 1.0, 10.0, 3_600.0]),
    gaps=st.lists(st.tuples(st.floats(0, 1.2), st.booleans(), st.booleans()), max_size=60),
)
def test_the_window_counts_a_call_for_nine_tenths_of_it_and_never_for_longer(
    length_s: float, gaps: list[tuple[float, bool, bool]]
) -> None:
    window, now_s, added = Window(length_s), 5_000.0, []
    for gap, failed, slow in gaps:
        now_s += gap * length_s
        window.add(now_s, failed, slow)
        added.append((now_s, failed, slow))
        slack_s = 1e-6 * length_s
        surely = [each for each in added if now_s - each[0] < length_s * (BUCKETS - 1) / BUCKETS - slack_s]
        possibly = [each for each in added if now_s - each[0] <= length_s + slack_s]
        assert len(surely) <= window.calls <= len(possibly)
        assert sum(each[1] for each in surely) <= window.failed <= sum(each[1] for each in possibly)
        assert sum(each[2] for each in surely) <= window.slow <= sum(each[2] for each in possibly)
