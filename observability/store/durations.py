"""Durations of many spans as one integer: bit n says that there is one in the n-th of 62 classes.

A class is half an octave, so a bound is rounded by 41 % at most. A search looks only into chunks that have a bit in common with
what it asks for; in them it compares the durations themselves.
"""

from collections.abc import Iterable
from typing import Final

_LAST_CLASS: Final = 61  # From 36 minutes on. SQLite's integers have a sign, so that the highest bit is better left alone.

ALL_DURATIONS: Final = 2 ** (_LAST_CLASS + 1) - 1
"""The bits of every class."""


_BITS: Final = tuple(1 << min(each, _LAST_CLASS) for each in range(2 * 64 + 2))


def duration_bits(durations_us: Iterable[int]) -> list[int]:
    """The bit of each duration, as an integer in which no other is set."""
    return [
        _BITS[2 * octave - 2 + (duration_us >> octave - 2 & 1)] if (octave := duration_us.bit_length()) > 1 else 1 << octave
        for duration_us in durations_us
    ]


def durations_between(least_us: int, greatest_us: int | None) -> int:
    """The bits of all durations between two, both included; None is no upper bound."""
    (least,) = duration_bits([least_us])
    above = ALL_DURATIONS & ~(least - 1)
    if greatest_us is None:
        return above
    (greatest,) = duration_bits([greatest_us])
    return above & (2 * greatest - 1)
