"""The estimators behind a verdict agree with what their authors published, and cover what they claim to cover."""

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.experiment.statistics.blocks import design_effect
from chaos.experiment.statistics.means import bounded_mean, mean_of
from chaos.experiment.statistics.multiplicity import holm
from chaos.experiment.statistics.proportions import (
    MAX_NEEDED,
    Share,
    drop_interval,
    drop_p_value,
    journeys_needed,
    newcombe,
    wilson,
    z_of,
)
from chaos.experiment.statistics.quantiles import Latencies, quantile, quantile_increase

Z95 = z_of(0.95)


def share(successes: int, n: int) -> Share:
    return Share(successes / n, n)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_gives_the_values_of_newcombes_comparison(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(share(successes, n), Z95) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombes_interval_gives_the_values_of_his_paper(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    assert newcombe(share(*first), share(*second), Z95) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_an_interval_contains_what_was_seen_and_stays_possible(first: int, second: int, confidence: float) -> None:
    low, high = newcombe(share(first, 500), share(second, 500), z_of(confidence))
    assert -1 <= low <= (first - second) / 500 <= high <= 1


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from([0.005, 0.01, 0.05]))
def test_a_p_value_and_the_interval_never_disagree(first: int, second: int, margin: float) -> None:
    baseline, fault = share(first, 400), share(second, 400)
    low = drop_interval(baseline, fault).low
    if not math.isclose(low, margin, abs_tol=1e-9):
        assert (drop_p_value(baseline, fault, margin) < 0.05) == (low > margin)


def test_the_interval_covers_the_true_drop_as_often_as_it_claims() -> None:
    random = np.random.default_rng(1998)
    runs, n, before, during = 4_000, 475, 0.998, 0.985
    hits = 0
    for first, second in zip(random.binomial(n, before, runs), random.binomial(n, during, runs), strict=True):
        interval = drop_interval(share(int(first), n), share(int(second), n))
        hits += interval.low <= before - during <= interval.high
    assert 0.88 <= hits / runs <= 0.96


def test_a_harmless_fault_is_rarely_called_a_leak() -> None:
    random = np.random.default_rng(1979)
    runs, n = 4_000, 475
    failures = zip(random.binomial(n, 0.001, runs), random.binomial(n, 0.011, runs), strict=True)
    false = sum(drop_p_value(share(n - int(a), n), share(n - int(b), n), 0.01) < 0.05 for a, b in failures)
    assert false / runs <= 0.07


def test_400_journeys_without_a_failure_are_enough_for_one_percentage_point() -> None:
    assert drop_interval(share(400, 400), share(400, 400)).high < 0.01
    assert drop_interval(share(250, 250), share(250, 250)).high > 0.01


@pytest.mark.parametrize(("before", "during", "margin"), [(1.0, 1.0, 0.01), (0.999, 0.995, 0.01), (1.0, 0.9, 0.01)])
def test_the_number_of_journeys_needed_is_the_smallest_that_decides(before: float, during: float, margin: float) -> None:
    n = journeys_needed(Share(before, 100), Share(during, 100), margin)
    decided = [
        interval.high <= margin or interval.low > margin
        for interval in (drop_interval(Share(before, size), Share(during, size)) for size in (n - 1, n))
    ]
    assert decided == [False, True]


def test_no_number_of_journeys_decides_about_a_drop_that_is_the_margin() -> None:
    assert journeys_needed(Share(1.0, 100), Share(0.99, 100), 0.01) == MAX_NEEDED


def test_independent_journeys_have_a_design_effect_near_one() -> None:
    random = Random(1992)
    effects = []
    for _ in range(200):
        instants = sorted(random.uniform(5, 25) for _ in range(500))
        effects.append(design_effect(instants, [random.random() < 0.95 for _ in instants], 5))
    assert 1.0 <= sum(effects) / len(effects) < 1.25


def test_failures_that_come_in_bursts_have_the_design_effect_of_their_blocks() -> None:
    instants = [second + step / 25 for second in range(20) for step in range(25)]
    burst = [int(instant) not in {7, 8} for instant in instants]
    assert design_effect(instants, burst, 0) == pytest.approx(25 * 20 / 19)


def test_journeys_that_all_share_one_fate_tell_nothing_of_correlation() -> None:
    assert design_effect([0.1, 1.2, 2.3], [True, True, True], 0) == 1.0
    assert design_effect([0.1, 0.2], [True, False], 0) == 1.0


def test_bursts_would_fool_an_interval_that_took_journeys_for_independent() -> None:
    """The reason for n/deff: without it the interval of a bursty system misses the truth far too often."""
    random = Random(1965)
    instants = [second + step / 25 for second in range(20) for step in range(25)]
    naive = corrected = 0
    runs = 400
    for _ in range(runs):
        bad = {second for second in range(20) if random.random() < 0.1}
        good = [int(instant) not in bad for instant in instants]
        seen = Share(sum(good) / 500, 500)
        effective = Share(seen.value, 500 / design_effect(instants, good, 0))
        naive += wilson(seen, Z95)[0] <= 0.9 <= wilson(seen, Z95)[1]
        corrected += wilson(effective, Z95)[0] <= 0.9 <= wilson(effective, Z95)[1]
    assert naive / runs < 0.5
    assert corrected / runs > 0.8


def test_holm_gives_the_adjusted_values_of_r() -> None:
    # What R gives by p.adjust with the method "holm".
    assert holm([0.01, 0.02, 0.03, 0.04, 0.005]) == pytest.approx((0.04, 0.06, 0.06, 0.06, 0.025))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_shrinks_a_p_value_and_keeps_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    ordered = [q for _, q in sorted(zip(p_values, adjusted, strict=True))]
    assert all(a <= b for a, b in pairwise(ordered))


def test_a_quantile_of_nothing_is_none() -> None:
    assert quantile([], 0.95) is None
    assert quantile([1.0, 2.0, 3.0], 0.5) == 2.0


def test_a_slower_p95_is_seen_with_an_interval_around_it_and_the_same_seed_gives_the_same() -> None:
    random = np.random.default_rng(1989)
    before = Latencies(list(random.exponential(10, 500)), 20)
    after = Latencies(list(random.exponential(10, 500) + 100), 20)
    found = quantile_increase(before, after, 0.95, seed=3)
    assert found.interval.low < found.increase_ms < found.interval.high
    assert 85 < found.increase_ms < 115
    assert found.p_value(50) < 0.001
    assert found.p_value(200) > 0.999
    assert quantile_increase(before, after, 0.95, seed=3).interval == found.interval


def test_the_bootstrap_covers_the_true_increase_under_correlation() -> None:
    random = np.random.default_rng(1217)
    runs = 120

    def correlated(shift: float) -> Latencies:
        """One second's journeys share a load level; the marginal distribution is the same in every window."""
        levels = np.repeat(random.gamma(4, 2, 20), 25)
        return Latencies(list(levels + random.exponential(10, 500) + shift), 20)

    hits = 0
    for run in range(runs):
        interval = quantile_increase(correlated(0), correlated(15), 0.95, seed=run, resamples=400).interval
        hits += interval.low <= 15 <= interval.high
    assert hits / runs >= 0.80


@pytest.mark.parametrize("n", [1, 2, 41, 300, 70_000])
def test_each_resample_is_of_whole_blocks_and_its_quantile_is_numpys(n: int) -> None:
    values, window_s, resamples = np.random.default_rng(n).exponential(30, n).round(1), 20.0, 30
    length = max(1, round(n / window_s))
    random = np.random.default_rng(3)
    quantiles = []
    for _ in range(2):  # Of the one window, and of the other.
        starts = random.integers(0, n - length + 1, size=(resamples, -(-n // length), 1))
        drawn = (starts + np.arange(length)).reshape(resamples, -1)[:, :n]
        quantiles.append(np.quantile(values[drawn], 0.95, axis=1))
    window = Latencies(list(values), window_s)
    found = quantile_increase(window, window, 0.95, seed=3, resamples=resamples)
    assert found.resampled_ms == pytest.approx(quantiles[1] - quantiles[0])


def test_journeys_needed_for_a_quantile_grow_as_the_interval_must_shrink() -> None:
    random = np.random.default_rng(7)
    before, after = (Latencies(list(random.exponential(30, 200)), 20) for _ in range(2))
    found = quantile_increase(before, after, 0.95, seed=1)
    far, near = (found.journeys_needed(200, found.increase_ms + distance) for distance in (500.0, 5.0))
    assert far < 200 < near
    assert found.journeys_needed(200, found.increase_ms) == MAX_NEEDED


def test_a_single_journey_a_window_is_enough_for_an_answer_if_not_for_a_verdict() -> None:
    found = quantile_increase(Latencies([5.0], 20), Latencies([9.0], 20), 0.95, seed=1)
    assert found.increase_ms == 4.0
    assert (found.interval.low, found.interval.high) == (4.0, 4.0)


def test_the_interval_of_a_mean_is_students() -> None:
    # t of 9 degrees of freedom for two-sided 90 % is 1.8331; the sample's standard deviation is 3.0277.
    estimate = mean_of([1.0, 10.0, 2.0, 9.0, 3.0, 8.0, 4.0, 7.0, 5.0, 6.0])
    interval = estimate.interval(0.9)
    assert estimate.value == 5.5
    assert interval.high - estimate.value == pytest.approx(1.8331 * 3.0277 / 10**0.5, rel=1e-3)
    assert estimate.p_value_above(interval.low) == pytest.approx(0.05, abs=2e-3)
    assert estimate.p_value_below(interval.high) == pytest.approx(0.05, abs=2e-3)


@pytest.mark.parametrize("alike", [0.0, 0.3, 0.5])
def test_a_mean_of_seconds_that_resemble_their_neighbours_is_seldom_called_wrong(alike: float) -> None:
    random, wrong, runs = Random(7), 0, 2_000
    for _ in range(runs):
        state, series = random.gauss(0, 1), []
        for _ in range(20):
            state = alike * state + (1 - alike * alike) ** 0.5 * random.gauss(0, 1)
            series.append(10 + 3 * state)
        wrong += mean_of(series).p_value_below(10) <= 0.05
    assert wrong / runs < 0.1  # Each second standing for itself, it would be 0.17 of the last.


def test_a_mean_without_spread_is_sure() -> None:
    estimate = mean_of([3.0, 3.0, 3.0])
    assert (estimate.p_value_above(2.9), estimate.p_value_above(3.0), estimate.p_value_below(3.1)) == (0.0, 1.0, 0.0)


@given(
    values=st.lists(st.sampled_from([0, 1, 2, 3, 4]), min_size=2, max_size=60),
)
def test_no_sample_of_bounded_values_varies_more_than_its_bound_allows(values: list[int]) -> None:
    mean, zeros = sum(values) / len(values), values.count(0) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    for share in (zeros, 1.0):
        assert bounded_mean(mean, 1.0, 4, share).error ** 2 >= variance - 1e-9


def test_the_bound_of_a_sample_without_zeros_is_bhatia_and_davis_own() -> None:
    assert bounded_mean(2.95, 100.0, 4, 0.0).error ** 2 == pytest.approx((4 - 2.95) * (2.95 - 1) / 100)
