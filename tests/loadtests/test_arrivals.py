import statistics
from collections import Counter
from itertools import islice, pairwise, takewhile

import pytest

from loadtests.arrivals import Arrival, Law, arrivals
from loadtests.mix import Mix

MIX = Mix.parse("browse=25,order=25,track=22,sign_in=2", ("browse", "order", "track", "sign_in"))


def first(
    count: int, seed: int = 7, source: int = 0, law: Law = "poisson", start_s: float = 0.0, pace: float = 1.0
) -> list[Arrival]:
    return list(islice(arrivals(seed, source, MIX, law, start_s, pace), count))


def superposed(sources: int, seconds: float, law: Law = "poisson") -> list[float]:
    """Instants of all arrivals of `sources` before `seconds`, in order."""
    streams = (takewhile(lambda arrival: arrival.instant_s < seconds, arrivals(7, source, MIX, law)) for source in range(sources))
    return sorted(arrival.instant_s for stream in streams for arrival in stream)


def test_one_seed_and_source_always_give_the_same_arrivals() -> None:
    assert first(500) == first(500)


def test_the_choices_inside_a_journey_are_the_same_in_every_run_and_differ_between_journeys() -> None:
    one, other = first(2)
    assert one.random().getrandbits(64) == first(1)[0].random().getrandbits(64)
    assert one.random().getrandbits(64) != other.random().getrandbits(64)


def test_another_seed_and_another_source_give_other_arrivals() -> None:
    instants = {tuple(arrival.instant_s for arrival in first(5, seed, source)) for seed in (7, 8) for source in (0, 1)}
    assert len(instants) == 4


def test_the_arrivals_of_a_seed_are_the_same_on_every_machine_and_version() -> None:
    assert [(f"{arrival.instant_s:.6f}", arrival.journey) for arrival in first(3)] == [
        ("0.212369", "browse"),
        ("0.774616", "browse"),
        ("1.330324", "track"),
    ]


def test_arrivals_are_numbered_and_know_their_source() -> None:
    assert [arrival.id for arrival in first(3, source=5)] == ["5-0", "5-1", "5-2"]


def test_the_gaps_of_a_source_are_exponential_with_a_mean_of_one_second() -> None:
    instants = [arrival.instant_s for arrival in first(20_000)]
    gaps = [later - earlier for earlier, later in pairwise([0.0, *instants])]
    # Mean and standard deviation of the exponential are both 1; 5 standard errors are 0.035 and 0.05.
    assert statistics.fmean(gaps) == pytest.approx(1, abs=0.035)
    assert statistics.stdev(gaps) == pytest.approx(1, abs=0.07)
    assert statistics.median(gaps) == pytest.approx(0.693, abs=0.04)


def test_the_superposition_of_sources_is_poisson_of_their_number_a_second() -> None:
    counts = Counter(int(instant_s) for instant_s in superposed(74, 400))
    per_second = [counts[second] for second in range(400)]
    assert statistics.fmean(per_second) == pytest.approx(74, abs=5 * (74 / 400) ** 0.5)
    # A Poisson process has variance = mean in every window; 5 standard errors of that ratio are 0.35.
    assert statistics.variance(per_second) / statistics.fmean(per_second) == pytest.approx(1, abs=0.35)


def test_journeys_come_in_the_proportions_of_the_mix() -> None:
    shares = Counter(arrival.journey for arrival in first(20_000))
    for journey, weight in MIX.weights:
        assert shares[journey] / 20_000 == pytest.approx(weight / 74, abs=0.02)


def test_a_source_that_starts_later_plays_the_same_stream_later() -> None:
    late = [arrival.instant_s for arrival in first(50, start_s=100.0)]
    assert late == pytest.approx([arrival.instant_s + 100.0 for arrival in first(50)])


@pytest.mark.parametrize("law", ["poisson", "constant"])
def test_at_half_the_pace_the_same_customers_come_for_the_same_at_twice_the_distance(law: Law) -> None:
    written, slower = first(50, source=3, law=law), first(50, source=3, law=law, pace=0.5)
    assert [each.instant_s for each in slower] == pytest.approx([2 * each.instant_s for each in written])
    assert [(each.id, each.journey, each.random().random()) for each in slower] == [
        (each.id, each.journey, each.random().random()) for each in written
    ]


def test_constant_arrivals_come_once_a_second_from_every_source() -> None:
    instants = [arrival.instant_s for arrival in first(10, source=3, law="constant")]
    assert [later - earlier for earlier, later in pairwise(instants)] == pytest.approx([1.0] * 9)
    assert 0 <= instants[0] < 1


def test_the_sources_of_constant_arrivals_spread_over_the_second() -> None:
    instants = superposed(74, 1.0, "constant")
    assert len(instants) == 74
    assert max(later - earlier for earlier, later in pairwise(instants)) < 3 / 74
