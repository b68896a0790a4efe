import os
from collections.abc import Iterator

import gevent
import pytest

from loadtests.clock import Clock
from loadtests.timer import EventTimer, ScheduleTimer, TimerfdTimer, best_timer, claim_processor

CLOCK = Clock.starting_now()


@pytest.fixture(params=[TimerfdTimer, EventTimer])
def timer(request: pytest.FixtureRequest) -> Iterator[ScheduleTimer]:
    timer: ScheduleTimer = request.param(CLOCK)
    yield timer
    timer.close()


def test_a_timer_does_not_return_before_its_instant(timer: ScheduleTimer) -> None:
    instant_s = CLOCK.now_s() + 0.005
    while CLOCK.now_s() < instant_s - 1e-6:  # An early return is allowed when woken only; rounding may cost a nanosecond.
        before_s = CLOCK.now_s()
        timer.sleep_until(instant_s)
        assert CLOCK.now_s() >= instant_s - 1e-6, f"slept {CLOCK.now_s() - before_s} s"


def test_an_instant_in_the_past_returns_at_once(timer: ScheduleTimer) -> None:
    timer.sleep_until(CLOCK.now_s() - 1_000_000)


def test_a_sleep_without_end_ends_when_woken_and_the_next_one_sleeps_again(timer: ScheduleTimer) -> None:
    ended: list[int] = []

    def sleeper() -> None:
        for number in range(2):
            timer.sleep_until(None)
            ended.append(number)

    sleeping = gevent.spawn(sleeper)
    gevent.idle()
    assert ended == []
    for number in range(2):
        timer.wake()
        gevent.sleep(0.001)
        assert ended == list(range(number + 1))
    sleeping.join()


def test_others_run_while_the_timer_sleeps(timer: ScheduleTimer) -> None:
    steps: list[str] = []
    other = gevent.spawn(steps.append, "other")
    timer.sleep_until(CLOCK.now_s() + 0.002)
    steps.append("slept")
    other.join()
    assert steps == ["other", "slept"]


def test_the_best_timer_of_linux_is_a_timerfd() -> None:
    timer = best_timer(CLOCK)
    timer.close()
    assert isinstance(timer, TimerfdTimer)


def test_a_clock_starts_at_the_unix_time_that_it_is_given() -> None:
    clock = Clock.starting_at(CLOCK.start_unix_s + 100.0)
    assert clock.start_unix_s == CLOCK.start_unix_s + 100.0
    assert clock.now_s() < CLOCK.now_s() - 99.0


def test_the_processor_is_claimed_for_this_thread_alone_where_that_is_permitted() -> None:
    permitted = claim_processor()
    policy = os.sched_getscheduler(0)
    if permitted:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    assert (policy == os.SCHED_RR | os.SCHED_RESET_ON_FORK) is permitted
