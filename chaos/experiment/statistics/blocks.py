"""How much less journeys tell than their number suggests, because neighbours in time share their fate."""

from collections import Counter
from collections.abc import Sequence

BLOCK_S = 1.0
"""Longer than a retry, a queue that drains or a pause of the collector; short enough for 20 blocks in a window."""


def design_effect(intended_s: Sequence[float], succeeded: Sequence[bool], start_s: float) -> float:
    """Variance of the share of successes over what independent journeys would have, from one-second blocks; at least 1.

    The ratio estimator's linearised variance between clusters over the binomial one, by which Rao and Scott (1992, Biometrics
    48, 577-585) divide n for clustered binary data; the term is Kish's (1965). Without any variation there is nothing to
    estimate, and 1 is returned: nine hundred successes in a row are not evidence of correlation.

    Args:
        intended_s: When each journey was to begin.
        succeeded: Whether it did, in the same order.
        start_s: Start of the window, where the first block begins.
    """
    sizes: Counter[int] = Counter()
    successes: Counter[int] = Counter()
    for instant_s, good in zip(intended_s, succeeded, strict=True):
        block = int((instant_s - start_s) // BLOCK_S)
        sizes[block] += 1
        successes[block] += good
    n, blocks = len(intended_s), len(sizes)
    if blocks < 2:
        return 1.0
    share = sum(successes.values()) / n
    binomial = share * (1 - share) / n
    if binomial == 0:
        return 1.0
    between = blocks / (blocks - 1) * sum((successes[block] - share * sizes[block]) ** 2 for block in sizes) / n**2
    return max(1.0, between / binomial)
