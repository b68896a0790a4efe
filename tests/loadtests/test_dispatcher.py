from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from loadtests.arrivals import Arrival, arrivals
from loadtests.dispatcher import Dispatcher, Timer
from loadtests.mix import Mix

MIX = Mix.parse("browse=1", ("browse",))


class FakeTime(Timer):
    """Time that passes only while somebody sleeps. `at` calls something when an instant is reached."""

    def __init__(self, lateness_s: float = 0.0) -> None:
        self.now_s = 0.0
        self._lateness_s = lateness_s
        self._plans: list[tuple[float, Callable[[], None]]] = []

    def at(self, instant_s: float, action: Callable[[], None]) -> None:
        self._plans.append((instant_s, action))
        self._plans.sort(key=lambda plan: plan[0])

    def sleep_until(self, instant_s: float | None) -> None:
        if self._plans and (instant_s is None or self._plans[0][0] <= instant_s):
            self.now_s, action = self._plans.pop(0)
            action()
        else:
            assert instant_s is not None, "nobody would ever wake the dispatcher"
            self.now_s = max(self.now_s, instant_s + self._lateness_s)

    def wake(self) -> None:
        """A sleep of this time ends with every plan anyway."""


class Started:
    """Keeps which arrivals were started, and when."""

    def __init__(self, time: FakeTime) -> None:
        self._time = time
        self.arrivals: list[Arrival] = []
        self.at_s: list[float] = []

    def __call__(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        self.at_s.append(self._time.now_s)


def dispatcher(time: FakeTime) -> tuple[Dispatcher, Started]:
    started = Started(time)
    return Dispatcher(lambda: time.now_s, time, started), started


def at(source: int, *instants_s: float) -> Iterator[Arrival]:
    return (Arrival(instant_s, source, number, "browse", 7) for number, instant_s in enumerate(instants_s))


def test_arrivals_of_all_sources_start_in_order_at_their_instants() -> None:
    time = FakeTime()
    merged, started = dispatcher(time)
    merged.add(0, at(0, 0.5, 2.0))
    merged.add(1, at(1, 0.25, 1.0, 3.0))
    assert merged.run(until_s=10.0)
    assert started.at_s == [0.25, 0.5, 1.0, 2.0, 3.0]
    assert [arrival.source for arrival in started.arrivals] == [1, 0, 1, 0, 1]


def test_the_schedule_ends_at_its_end_and_not_with_its_last_arrival() -> None:
    time = FakeTime()
    merged, started = dispatcher(time)
    merged.add(0, at(0, 1.0, 5.0))
    assert merged.run(until_s=4.0)
    assert started.at_s == [1.0]
    assert time.now_s == 4.0


def test_an_arrival_exactly_at_the_end_belongs_to_the_schedule_no_more() -> None:
    merged, started = dispatcher(FakeTime())
    merged.add(0, at(0, 4.0))
    assert merged.run(until_s=4.0)
    assert started.arrivals == []


def test_arrivals_that_are_overdue_all_start_at_once_and_keep_their_intended_instants() -> None:
    time = FakeTime(lateness_s=2.0)
    merged, started = dispatcher(time)
    merged.add(0, at(0, 1.0, 1.5, 2.5))
    merged.run(until_s=10.0)
    assert started.at_s == [3.0, 3.0, 3.0]
    assert [arrival.instant_s for arrival in started.arrivals] == [1.0, 1.5, 2.5]


def test_a_source_that_joins_while_the_dispatcher_sleeps_is_heard_in_time() -> None:
    time = FakeTime()
    merged, started = dispatcher(time)
    merged.add(0, at(0, 9.0))
    time.at(2.0, lambda: merged.add(1, at(1, 2.5)))
    merged.run(until_s=10.0)
    assert started.at_s == [2.5, 9.0]


def test_a_dispatcher_without_sources_waits_for_one() -> None:
    time = FakeTime()
    merged, started = dispatcher(time)
    time.at(1.0, lambda: merged.add(0, at(0, 1.5)))
    time.at(3.0, merged.stop)
    assert not merged.run()
    assert started.at_s == [1.5]


def test_a_source_that_left_has_no_further_arrivals() -> None:
    time = FakeTime()
    merged, started = dispatcher(time)
    merged.add(0, at(0, 1.0, 2.0, 3.0))
    merged.add(1, at(1, 2.5))
    time.at(1.5, lambda: merged.remove(0))
    merged.run(until_s=10.0)
    assert started.at_s == [1.0, 2.5]


def test_leaving_twice_is_harmless_and_joining_twice_is_refused() -> None:
    merged, _ = dispatcher(FakeTime())
    merged.add(0, at(0, 1.0))
    with pytest.raises(ValueError, match="source 0 is there already"):
        merged.add(0, at(0, 1.0))
    merged.remove(0)
    merged.remove(0)


def test_a_stopped_dispatcher_says_that_the_schedule_was_not_played_to_its_end() -> None:
    time = FakeTime()
    merged, started = dispatcher(time)
    merged.add(0, at(0, 1.0, 5.0))
    time.at(3.0, merged.stop)
    assert not merged.run(until_s=10.0)
    assert started.at_s == [1.0]


def test_how_long_journeys_take_moves_no_arrival() -> None:
    def played(lateness_s: float) -> list[tuple[float, str]]:
        merged, started = dispatcher(FakeTime(lateness_s))
        for source in range(5):
            merged.add(source, arrivals(7, source, MIX, "poisson"))
        merged.run(until_s=20.0)
        return [(arrival.instant_s, arrival.id) for arrival in started.arrivals]

    assert played(lateness_s=0.0) == played(lateness_s=3.0)[: len(played(lateness_s=0.0))]
    expected = sorted(arrival.instant_s for source in range(5) for arrival in islice(arrivals(7, source, MIX, "poisson"), 60))
    assert [instant_s for instant_s, _ in played(0.0)] == [instant_s for instant_s in expected if instant_s < 20.0]
