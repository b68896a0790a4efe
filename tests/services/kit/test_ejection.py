"""Who is left out, for how long, and how it is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.kit.resilience.ejection import Ejection
from services.policy import OutlierEjection

if TYPE_CHECKING:
    from tests.services.kit.conftest import HandClock

NAMES = ("bank/1", "bank/2", "bank/3", "bank/4")


class Watched:
    """Ejection after one failure, for 10 s times how often, at most 30 s; and what it told."""

    def __init__(self, clock: HandClock, present: tuple[str, ...] = NAMES, **parameters: object) -> None:
        self.clock = clock
        self.told: list[tuple[str, bool, str]] = []
        declared = {"consecutive_failures": 1, "base_ejection_time_ms": "10s", "max_ejection_time_ms": "30s"}
        policy = OutlierEjection.model_validate(declared | parameters)
        self.ejection = Ejection(policy, clock, lambda *told: self.told.append(told))
        self.ejection.follow(present, ())

    def fail(self, name: str) -> None:
        self.ejection.failed(name, self.clock(), "down")

    def time_out_s(self, name: str) -> int:
        """Whole seconds until it is in again."""
        seconds = 0
        while name in self.ejection.out():
            self.clock.advance_ms(1_000)
            seconds += 1
        return seconds


def test_each_time_it_is_out_for_longer_up_to_the_maximum(clock: HandClock) -> None:
    watched, times = Watched(clock), []
    for _ in range(5):
        watched.fail("bank/1")
        times.append(watched.time_out_s("bank/1"))
    assert times == [10, 20, 30, 30, 30]


def test_for_each_base_time_that_it_stays_in_one_ejection_is_forgotten(clock: HandClock) -> None:
    watched = Watched(clock)
    for _ in range(3):
        watched.fail("bank/1")
        watched.time_out_s("bank/1")
    clock.advance_ms(10_000)
    watched.fail("bank/1")
    assert watched.time_out_s("bank/1") == 30  # The third time again.
    clock.advance_ms(20_000)
    watched.fail("bank/1")
    assert watched.time_out_s("bank/1") == 20
    clock.advance_ms(1_000_000)
    watched.fail("bank/1")
    assert watched.time_out_s("bank/1") == 10


def test_ejections_beyond_the_longest_time_do_not_take_longer_to_be_forgotten(clock: HandClock) -> None:
    watched = Watched(clock)
    for _ in range(100):
        watched.fail("bank/1")
        watched.time_out_s("bank/1")
    clock.advance_ms(40_000)
    watched.fail("bank/1")
    assert watched.time_out_s("bank/1") == 10


def test_no_more_than_the_share_may_be_out(clock: HandClock) -> None:
    watched = Watched(clock, max_ejection_percent=50)
    for name in NAMES:
        watched.fail(name)
    assert watched.ejection.out() == {"bank/1", "bank/2"}


def test_one_may_be_out_however_small_the_share(clock: HandClock) -> None:
    watched = Watched(clock, max_ejection_percent=1)
    for name in NAMES:
        watched.fail(name)
    assert watched.ejection.out() == {"bank/1"}


@pytest.mark.parametrize("present", [("bank/1",), ("bank/1", "bank/2")])
def test_the_last_one_is_never_out(clock: HandClock, present: tuple[str, ...]) -> None:
    watched = Watched(clock, present, max_ejection_percent=100)
    for name in present:
        watched.fail(name)
    assert watched.ejection.out() == set(present[:-1])


def test_who_had_to_stay_is_out_with_the_next_failure_after_another_is_back(clock: HandClock) -> None:
    watched = Watched(clock, ("bank/1", "bank/2"))
    watched.fail("bank/1")
    watched.fail("bank/2")
    clock.advance_ms(10_000)
    watched.fail("bank/2")
    assert watched.ejection.out() == {"bank/2"}


def test_what_began_before_it_was_out_does_not_count_once_it_is_in(clock: HandClock) -> None:
    watched = Watched(clock)
    began_s = clock()
    watched.fail("bank/1")
    watched.time_out_s("bank/1")
    watched.ejection.failed("bank/1", began_s, "timeout")
    assert not watched.ejection.out()


def test_it_says_why_and_for_how_long(clock: HandClock) -> None:
    watched = Watched(clock)
    watched.fail("bank/1")
    watched.time_out_s("bank/1")
    assert watched.told == [
        ("bank/1", True, "1 failures in a row, the last: down; out for 10 s"),
        ("bank/1", False, "its time is over"),
    ]


class AnyHistory(RuleBasedStateMachine):
    """Counts by hand what ejection must never do."""

    now_s = 0.0

    @initialize(failures=st.integers(1, 3), percent=st.sampled_from([1, 34, 50, 100]))
    def begin(self, failures: int, percent: int) -> None:
        self.policy = OutlierEjection(
            consecutive_failures=failures,
            base_ejection_time_ms="8s",
            max_ejection_time_ms="20s",
            max_ejection_percent=percent,
        )
        self.present = set(NAMES)
        self.out: dict[str, float] = {}
        self.in_a_row = dict.fromkeys(NAMES, 0)
        self.ejection = Ejection(self.policy, lambda: self.now_s, self.changed)
        self.ejection.follow(NAMES, ())

    def changed(self, name: str, out: bool, reason: str) -> None:  # noqa: FBT001 - as it is told.
        if out:
            assert name not in self.out
            assert self.in_a_row[name] >= self.policy.consecutive_failures
            assert len(self.out) + 1 < len(self.present)
            assert not self.out or (len(self.out) + 1) / len(self.present) <= self.policy.max_ejection_percent / 100
            self.out[name] = self.now_s
        else:
            stayed_s = self.now_s - self.out.pop(name)
            assert reason in ("gone", "restarted") or stayed_s >= 8
            self.in_a_row[name] = 0

    @rule(seconds=st.sampled_from([1.0, 4.0, 8.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds
        self.ejection.out()

    @rule(name=st.sampled_from(NAMES), times=st.integers(1, 4))
    def attempts_fail(self, name: str, times: int) -> None:
        for _ in range(times):
            if name in self.present and name not in self.out:
                self.in_a_row[name] += 1
            self.ejection.failed(name, self.now_s, "down")

    @rule(name=st.sampled_from(NAMES))
    def an_attempt_succeeds(self, name: str) -> None:
        if name not in self.out:
            self.in_a_row[name] = 0
        self.ejection.succeeded(name, self.now_s)

    @rule(present=st.sets(st.sampled_from(NAMES), min_size=1), restarted=st.sets(st.sampled_from(NAMES)))
    def the_registry_changes(self, present: set[str], restarted: set[str]) -> None:
        for name in NAMES:
            if name not in present or name in restarted or name not in self.present:
                self.in_a_row[name] = 0
        self.present = present
        self.ejection.follow(present, restarted & present)

    @invariant()
    def it_says_what_it_told(self) -> None:
        if hasattr(self, "ejection"):
            assert self.ejection.out() == set(self.out)

    @invariant()
    def nobody_is_out_for_longer_than_the_maximum(self) -> None:
        if hasattr(self, "ejection"):
            assert all(self.now_s - since_s < 20 for since_s in self.out.values())

    @invariant()
    def it_knows_only_who_is_present(self) -> None:
        if hasattr(self, "ejection"):
            assert set(self.ejection._replicas) == self.present


AnyHistory.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestAnyHistory = AnyHistory.TestCase
