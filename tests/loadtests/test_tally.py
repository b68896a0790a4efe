import pytest

from loadtests.tally import Lateness, Tally, quantile


def test_quantiles_are_nearest_rank() -> None:
    ordered = [float(number) for number in range(1, 101)]
    assert [quantile(ordered, share) for share in (0.0, 0.5, 0.99, 0.991, 1.0)] == [1, 50, 99, 100, 100]
    assert quantile([3.0], 0.99) == 3.0


def test_lateness_is_over_the_first_requests_of_all_journeys() -> None:
    tally = Tally.of(["browse", "order"])
    for number in range(99):
        tally.sent("browse", 0.1 + number / 1_000)
    tally.sent("order", 7.5)
    late = tally.lateness()
    assert [late.p50, late.p99] == pytest.approx([0.149, 0.198])
    assert (late.max, late.count) == (7.5, 100)


def test_lateness_of_nothing_is_nothing() -> None:
    assert Tally.of(["browse"]).lateness() == Lateness(0.0, 0.0, 0.0, 0)


def test_only_a_journey_more_than_ten_milliseconds_late_counts_as_late() -> None:
    tally = Tally.of(["browse"])
    for lateness_ms in (0.1, 10.0, 10.1, 500.0):
        tally.sent("browse", lateness_ms)
    assert tally.journeys["browse"].late == 2


def test_arrivals_are_accounted_for_when_each_has_exactly_one_end() -> None:
    tally = Tally.of(["order", "track"])
    order, track = tally.journeys["order"], tally.journeys["track"]
    order.intended, order.dropped, track.intended, track.skipped = 4, 1, 1, 1
    for _ in range(3):
        tally.sent("order", 0.0)
    order.completed, order.failed, order.abandoned = 1, 1, 1
    assert tally.accounted
    assert (tally.arrivals, tally.dropped) == (5, 1)


def test_a_journey_without_an_end_is_not_accounted_for() -> None:
    tally = Tally.of(["order"])
    tally.journeys["order"].intended = 1
    tally.sent("order", 0.0)
    assert not tally.accounted
