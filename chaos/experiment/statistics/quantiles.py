"""Differences of quantiles of latency, by the moving-block bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from chaos.experiment.result import Interval
from chaos.experiment.statistics.proportions import CONFIDENCE, MAX_NEEDED

RESAMPLES = 2_000
_MAX_CELLS = 4_000_000  # Resampled values held at once: 32 MB.
_RADIX_BYTES = 2

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Latencies:
    """Latencies in the order of arrival, and how long the window was."""

    values_ms: Sequence[float]
    window_s: float


@dataclass(frozen=True)
class QuantileIncrease:
    """How much a quantile grew, with its bootstrap distribution."""

    increase_ms: float
    interval: Interval
    resampled_ms: Floats

    def p_value(self, bound_ms: float) -> float:
        """One-sided p-value of an increase above `bound_ms`: the level at which the interval's lower end touches the bound.

        The sample itself counts as one of the resamples, so it is never 0 (Davison and Hinkley 1997, section 4.2).
        """
        return (1 + int(np.count_nonzero(self.resampled_ms <= bound_ms))) / (1 + len(self.resampled_ms))

    def journeys_needed(self, n: int, bound_ms: float) -> int:
        """Journeys in each window that would decide about `bound_ms`: an interval's width falls with the root of n."""
        distance = abs(bound_ms - self.increase_ms)
        reach = self.interval.high - self.increase_ms if self.increase_ms <= bound_ms else self.increase_ms - self.interval.low
        if distance * (MAX_NEEDED / n) ** 0.5 <= reach:
            return MAX_NEEDED
        return max(1, int(np.ceil(n * (reach / distance) ** 2)))


def quantile(values_ms: Sequence[float], q: float) -> float | None:
    """The `q` quantile with linear interpolation (Hyndman and Fan's type 7, numpy's default); None of nothing."""
    return float(np.quantile(np.asarray(values_ms, dtype=np.float64), q)) if len(values_ms) else None


def quantile_increase(
    baseline: Latencies, fault: Latencies, q: float, seed: int, confidence: float = CONFIDENCE, resamples: int = RESAMPLES
) -> QuantileIncrease:
    """Growth of the `q` quantile from `baseline` to `fault`, with the percentile interval of a moving-block bootstrap.

    Blocks of one second's arrivals are drawn with replacement from all that overlap (Kuensch 1989, Annals of Statistics 17,
    1217-1241), which keeps the correlation of neighbours inside them. Both windows need at least one journey.
    """
    random = np.random.default_rng(seed)
    before = _resample(baseline, q, random, resamples)
    during = _resample(fault, q, random, resamples)
    increases = during - before
    tail = (1 - confidence) / 2
    low, high = (float(limit) for limit in np.quantile(increases, [tail, 1 - tail]))
    observed = (quantile(fault.values_ms, q) or 0.0) - (quantile(baseline.values_ms, q) or 0.0)
    return QuantileIncrease(observed, Interval(low=low, high=high, confidence=confidence), increases)


def _resample(latencies: Latencies, q: float, random: np.random.Generator, resamples: int) -> Floats:
    """The quantile of each resample, found among the ranks of its values: numpy sorts numbers of 16 bits in linear time."""
    values: Floats = np.sort(np.asarray(latencies.values_ms, dtype=np.float64))
    n = len(values)
    ranks = np.empty(n, dtype=np.min_scalar_type(n))
    ranks[np.argsort(latencies.values_ms, kind="stable")] = np.arange(n)
    length = min(n, max(1, round(n / max(latencies.window_s, 1.0))))
    every_block = sliding_window_view(ranks, length)
    blocks = -(-n // length)
    rows = max(1, min(resamples, _MAX_CELLS // n))
    below = int(q * (n - 1))
    above = min(below + 1, n - 1)
    between = q * (n - 1) - below
    quantiles: list[Floats] = []
    for done in range(0, resamples, rows):
        starts = random.integers(0, n - length + 1, size=(min(rows, resamples - done), blocks))
        drawn = every_block[starts].reshape(len(starts), -1)[:, :n]
        if ranks.itemsize <= _RADIX_BYTES:
            drawn = np.sort(drawn, axis=1, kind="stable")
        else:
            drawn = np.partition(drawn, (below, above), axis=1)
        low, high = values[drawn[:, below]], values[drawn[:, above]]
        quantiles.append(low + between * (high - low))
    return np.concatenate(quantiles)
