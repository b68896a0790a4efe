"""How late an event loop is, on a loop whose time passes when told."""

from collections.abc import Callable

import pytest

from observability.loop_lag import INTERVAL_S, watched_loop


class HandTimer:
    def __init__(self, delay_s: float, callback: Callable[[], None]) -> None:
        self.delay_s = delay_s
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class HandLoop:
    """The timers of a loop, and the clock that they run by."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.waiting: list[HandTimer] = []

    def call_later(self, delay: float, callback: Callable[[], None], /) -> HandTimer:
        self.waiting.append(HandTimer(delay, callback))
        return self.waiting[-1]

    def run(self, late_s: float) -> None:
        """Calls the timer that waits, so much later than it asked for."""
        timer = self.waiting.pop(0)
        self.now_s += timer.delay_s + late_s
        timer.callback()

    def clock(self) -> float:
        return self.now_s


@pytest.fixture
def loop() -> HandLoop:
    return HandLoop()


def test_each_timer_tells_how_late_it_was_and_asks_for_the_next(loop: HandLoop) -> None:
    lags_s: list[float] = []
    with watched_loop(loop, lags_s.append, loop.clock):
        for late_s in (0.0, 0.25, 3.0):
            loop.run(late_s)
        assert lags_s == pytest.approx([0.0, 0.25, 3.0])
        assert [timer.delay_s for timer in loop.waiting] == [INTERVAL_S]


def test_a_timer_that_is_early_is_not_late(loop: HandLoop) -> None:
    lags_s: list[float] = []
    with watched_loop(loop, lags_s.append, loop.clock):
        loop.run(-0.0008)
    assert lags_s == [0.0]


def test_nobody_asks_any_more_once_the_context_is_left(loop: HandLoop) -> None:
    with watched_loop(loop, lambda _lag_s: None, loop.clock):
        loop.run(0.0)
    (timer,) = loop.waiting
    assert timer.cancelled
