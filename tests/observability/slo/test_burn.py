"""Burn rates computed without Prometheus."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.slo.burn import Counts, Firing, firings
from observability.slo.windows import DEMO, PRODUCTION, BurnRow, Severity, WindowProfile

BUDGET = 0.01


def outage(before_s: int, outage_s: int, after_s: int, per_s: int) -> Counts:
    length_s = before_s + outage_s + after_s
    return Counts([per_s] * length_s, [per_s if before_s <= second < before_s + outage_s else 0 for second in range(length_s)])


@pytest.mark.parametrize("per_s", [12, 25, 40])
def test_an_outage_pages_within_ten_seconds_and_its_page_is_over_within_fifteen(per_s: int) -> None:
    (page,) = firings(outage(60, 20, 60, per_s), BUDGET, DEMO, Severity.PAGE)
    assert page.start_s - 60 <= 8
    assert page.end_s is not None
    assert page.end_s - 80 <= 6


def test_an_outage_that_lasts_pages_to_the_end() -> None:
    (page,) = firings(outage(60, 20, 0, 25), BUDGET, DEMO, Severity.PAGE)
    assert page.end_s is None


def test_too_few_requests_page_nobody() -> None:
    assert firings(outage(0, 20, 0, 3), BUDGET, DEMO, Severity.PAGE) == ()


def test_a_second_of_standstill_pages_nobody() -> None:
    assert firings(outage(60, 1, 60, 25), BUDGET, DEMO, Severity.PAGE) == ()


@pytest.mark.parametrize("per_s", [12, 40])
@pytest.mark.parametrize("seed", range(20))
def test_ten_healthy_minutes_with_one_stray_failure_in_a_thousand_fire_nothing(per_s: int, seed: int) -> None:
    draw = random.Random(seed)
    events = [sum(draw.random() < per_s / 100 for _ in range(100)) for _ in range(600)]
    bad = [sum(draw.random() < 0.001 for _ in range(count)) for count in events]
    assert firings(Counts(events, bad), BUDGET, DEMO, Severity.PAGE) == ()


def test_in_production_an_outage_pages_within_three_minutes_and_a_slow_leak_becomes_a_ticket() -> None:
    (page,) = firings(outage(7_200, 600, 1_200, 10), BUDGET, PRODUCTION, Severity.PAGE)
    assert 0 < page.start_s - 7_200 <= 600
    day_s = 86_400
    leak = Counts([1] * (2 * day_s), [1 if second % 25 == 0 else 0 for second in range(2 * day_s)])
    assert firings(leak, BUDGET, PRODUCTION, Severity.PAGE) == ()
    assert len(firings(leak, BUDGET, PRODUCTION, Severity.TICKET)) == 1


def brute_force(counts: Counts, profile: WindowProfile) -> tuple[Firing, ...]:
    """Every window summed anew, and nothing shared with what is tested."""
    found, since = [], None
    for at_s in range(len(counts.events) + 1):
        fires = False
        for row in profile.rows:
            asked, failed = (sum(each[max(0, at_s - row.long_s) : at_s]) for each in (counts.events, counts.bad))
            recently, failing = (sum(each[max(0, at_s - row.short_s) : at_s]) for each in (counts.events, counts.bad))
            enough = asked >= profile.min_events and recently > 0
            fires |= enough and failed / asked > row.factor * BUDGET and failing / recently > row.factor * BUDGET
        if fires and since is None:
            since = at_s
        if not fires and since is not None:
            found.append(Firing(float(since), float(at_s)))
            since = None
    return (*found, *([Firing(float(since), None)] if since is not None else []))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=80))
def test_what_is_computed_is_what_summing_every_window_anew_gives(seconds: list[tuple[int, int]]) -> None:
    small = WindowProfile(
        name="small",
        rows=(BurnRow(Severity.PAGE, 14.4, 12, 3), BurnRow(Severity.PAGE, 6, 30, 5)),
        current_s=3,
        period_s=None,
        page_every_s=1,
        ticket_every_s=1,
        min_events=20,
        down_for_s=1,
    )
    counts = Counts([events for events, _ in seconds], [min(events, bad) for events, bad in seconds])
    assert firings(counts, BUDGET, small, Severity.PAGE) == brute_force(counts, small)
