"""More of one journey for a part of the schedule."""

from __future__ import annotations

import statistics

import pytest

from loadtests.arrivals import Surge
from loadtests.mix import Mix
from loadtests.options import read_schedule
from tests.loadtests.test_options import HOST, parsed, schedule

MIX = ("--mix", "browse=5,order=8", "--run-seconds", "60")


def test_a_surge_comes_between_its_two_instants_at_its_rate_and_is_of_one_journey() -> None:
    counts = []
    for seed in range(200):
        surge = list(Surge("order", 17.0, 25.0, 45.0).arrivals(seed, 13, "poisson"))
        assert all(25 <= arrival.instant_s < 45 for arrival in surge)
        assert {arrival.journey for arrival in surge} <= {"order"}
        counts.append(len(surge))
    # A Poisson count has variance = mean; 5 standard errors of the mean of 200 are 6.5.
    assert statistics.fmean(counts) == pytest.approx(17 * 20, abs=6.5)
    assert statistics.variance(counts) == pytest.approx(17 * 20, rel=0.5)


def test_a_surge_is_the_same_for_one_seed_and_its_arrivals_are_told_apart() -> None:
    first, again = (list(Surge("order", 17.0, 25.0, 45.0).arrivals(7, 13, "poisson")) for _ in range(2))
    assert first == again
    assert len({arrival.id for arrival in first}) == len(first)
    assert first != list(Surge("order", 17.0, 25.0, 45.0).arrivals(8, 13, "poisson"))


def test_a_constant_surge_comes_at_even_gaps() -> None:
    instants = [arrival.instant_s for arrival in Surge("order", 4.0, 10.0, 12.0).arrivals(7, 3, "constant")]
    assert instants == pytest.approx([10.25, 10.5, 10.75, 11.0, 11.25, 11.5, 11.75])


def test_a_surge_is_read_from_its_option() -> None:
    assert schedule(*MIX, "--surge", "order=17@25-45").surge == Surge("order", 17.0, 25.0, 45.0)
    assert schedule(*MIX).surge is None
    assert schedule(*MIX).plan.mix == Mix((("browse", 5.0), ("order", 8.0)))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("order", "write journey=rate@start-end, such as order=12.5@25-45"),
        ("order=x@25-45", "write journey=rate@start-end"),
        ("track=5@25-45", "'track' is not in the mix; allowed: browse, order"),
        ("order=0@25-45", "allowed are a rate above 0, and a start before an end within 60 s"),
        ("order=inf@25-45", "allowed are a rate above 0"),
        ("order=5@45-25", "a start before an end"),
        ("order=5@25-61", "within 60 s"),
        ("order=100000@0-60", "allowed are 1 to 1000000 expected arrivals"),
    ],
)
def test_a_surge_that_cannot_be_is_refused_with_what_is_allowed(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        schedule(*MIX, "--surge", text)


def test_a_surge_needs_a_fixed_schedule() -> None:
    with pytest.raises(ValueError, match="--surge belongs to a fixed schedule"):
        read_schedule(parsed("--surge", "order=17@25-45"), HOST, 7)
