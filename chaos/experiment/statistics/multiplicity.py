"""Several tests at once: each more is one more chance of a false alarm."""

from collections.abc import Sequence

ALPHA = 0.05
"""Chance of calling any journey of an unharmed system leaked."""


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment (1979, Scandinavian Journal of Statistics 6, 65-70), in the order given.

    An adjusted value at most alpha rejects its hypothesis while the chance of any false rejection stays at most alpha,
    however the tests depend on each other.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)
