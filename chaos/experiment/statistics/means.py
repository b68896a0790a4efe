"""The mean of a few numbers: its interval, and how sure it is to lie on one side of a bound.

The normal stands in for Student's t by the expansions of Abramowitz and Stegun (1964), good to a thousandth from ten values on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, fmean, stdev

from chaos.experiment.result import Interval
from chaos.experiment.statistics.proportions import CONFIDENCE, z_of

_MOST_ALIKE = 0.9
_LEAST_WORTH = 4
"""What remains of a series, however alike its neighbours seem to be: of few values that is itself uncertain."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error; `freedom` is the degrees of freedom of that error, infinite when it is known."""

    value: float
    error: float
    freedom: float = math.inf

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Two-sided (formula 26.7.5)."""
        z, v = z_of(confidence), self.freedom
        t = z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        return Interval(low=self.value - t * self.error, high=self.value + t * self.error, confidence=confidence)

    def p_value_above(self, bound: float) -> float:
        """One-sided p-value of a mean above `bound` (formula 26.7.8)."""
        if self.error == 0:
            return 0.0 if self.value > bound else 1.0
        t, v = (self.value - bound) / self.error, self.freedom
        return NormalDist().cdf(-t * (1 - 1 / (4 * v)) / math.sqrt(1 + t * t / (2 * v)))

    def p_value_below(self, bound: float) -> float:
        """The same of a mean below it."""
        return Estimate(-self.value, self.error, self.freedom).p_value_above(-bound)


def mean_of(values: Sequence[float]) -> Estimate:
    """The mean of at least two values, in the order of time; neighbours that are alike are worth fewer.

    n is taken as n (1 - r) / (1 + r) with r the correlation of neighbours, where that is above 0 (Zwiers and von Storch 1995,
    Journal of Climate 8, 336-351). In a short series r comes out too small by about (1 + 3 r) / n (Kendall 1954,
    Biometrika 41, 403-404).
    """
    n = len(values)
    alike = min(max(0.0, _of_neighbours(values)), _MOST_ALIKE)
    worth = max(n * (1 - alike) / (1 + alike), min(n, _LEAST_WORTH))
    return Estimate(fmean(values), stdev(values) / math.sqrt(worth), n - 1)


def _of_neighbours(values: Sequence[float]) -> float:
    """Correlation of each value with the next one, its bias taken out; 0 of too few to tell."""
    n, mean = len(values), fmean(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    if n <= _LEAST_WORTH or squares == 0:
        return 0.0
    products = math.fsum((one - mean) * (other - mean) for one, other in pairwise(values))
    return (n * products / squares + 1) / (n - 3)


def bounded_mean(mean: float, n: float, most: float, zero_share: float) -> Estimate:
    """A mean whose values were not kept, each of them 0 or from 1 to `most`, with the largest variance they can have.

    With no zeros this is Bhatia and Davis (2000, American Mathematical Monthly 107, 353-357): (most - mean)(mean - 1). A chord
    from 1 to `most` bounds the squares of the rest: E[X^2] <= (most + 1) mean - most (1 - zero_share); and whatever the share
    of zeros, E[X^2] <= most * mean.

    Args:
        mean: Of the values.
        n: How many they are worth.
        most: The largest possible value.
        zero_share: The largest share of them that can be 0.
    """
    square = min((most + 1) * mean - most * (1 - min(1.0, zero_share)), most * mean)
    return Estimate(mean, math.sqrt(max(0.0, square - mean * mean) / n))
