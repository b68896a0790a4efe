"""Shares of journeys that succeeded: intervals of one and of a difference, and how many journeys a decision needs.

A sample is (share, n) with n not necessarily whole: correlated journeys count as n divided by their design effect.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from chaos.experiment.result import Interval

CONFIDENCE = 0.90
"""Two-sided, so that each end alone is a 95 % bound: the convention of equivalence trials (Schuirmann 1987,
J. Pharmacokinet. Biopharm. 15, 657-680). What is shown is what is judged."""
MAX_NEEDED = 10_000_000
"""Nobody collects more; the search for a sample size ends here."""
_LARGEST_Z = 40.0  # Beyond any probability that a float can tell from zero.


@dataclass(frozen=True)
class Share:
    """An observed share of `n` independent (or effectively independent) journeys."""

    value: float
    n: float


def z_of(confidence: float) -> float:
    """The standard normal quantile of a two-sided `confidence`: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(share: Share, z: float) -> tuple[float, float]:
    """Wilson's score interval (1927, JASA 22, 209-212): right where the usual one is absurd, near 0 and 1 and for small n."""
    squared = z * z
    center = share.value + squared / (2 * share.n)
    spread = z * math.sqrt(share.value * (1 - share.value) / share.n + squared / (4 * share.n**2))
    scale = 1 + squared / share.n
    low = 0.0 if share.value == 0 else (center - spread) / scale
    high = 1.0 if share.value == 1 else (center + spread) / scale
    return low, high


def newcombe(first: Share, second: Share, z: float) -> tuple[float, float]:
    """Newcombe's hybrid score interval of `first` - `second` (1998, Statistics in Medicine 17, 873-890, method 10)."""
    low_1, high_1 = wilson(first, z)
    low_2, high_2 = wilson(second, z)
    difference = first.value - second.value
    return (
        difference - math.hypot(first.value - low_1, high_2 - second.value),
        difference + math.hypot(high_1 - first.value, second.value - low_2),
    )


def drop_interval(baseline: Share, fault: Share, confidence: float = CONFIDENCE) -> Interval:
    """Interval of the drop in success from `baseline` to `fault`."""
    low, high = newcombe(baseline, fault, z_of(confidence))
    return Interval(low=low, high=high, confidence=confidence)


def drop_p_value(baseline: Share, fault: Share, margin: float) -> float:
    """One-sided p-value of a drop above `margin`: the level at which Newcombe's lower limit just touches the margin.

    1.0 when the observed drop is not above the margin: nothing then speaks for one.
    """
    if baseline.value - fault.value <= margin:
        return 1.0
    low_z, high_z = 0.0, _LARGEST_Z
    for _ in range(60):
        middle = (low_z + high_z) / 2
        if newcombe(baseline, fault, middle)[0] > margin:
            low_z = middle
        else:
            high_z = middle
    return NormalDist().cdf(-low_z)


def journeys_needed(baseline: Share, fault: Share, margin: float, confidence: float = CONFIDENCE) -> int:
    """Effective journeys in each window that would decide about `margin`, if the shares stayed as they are.

    Decided means that the whole interval of the drop lies on one side of the margin. MAX_NEEDED when even that many would not.
    """
    z = z_of(confidence)
    held = baseline.value - fault.value <= margin

    def decided(n: int) -> bool:
        low, high = newcombe(Share(baseline.value, n), Share(fault.value, n), z)
        return high <= margin if held else low > margin

    if not decided(MAX_NEEDED):
        return MAX_NEEDED
    too_few, enough = 1, MAX_NEEDED
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if decided(middle):
            enough = middle
        else:
            too_few = middle
    return enough
