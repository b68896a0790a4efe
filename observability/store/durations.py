"""Durations of many spans as one integer: bit n says that there is one in the n-th of 62 classes.

A class is half an octave, so a bound is rounded by 41 % at most. A search looks only into chunks that have a bit in common with
what it asks for; in them it compares the durations themselves.
"""

from typing import Final

_LAST_CLASS: Final = 61  # From 36 minutes on. SQLite's integers have a sign, so that the highest bit is better left alone.

ALL_DURATIONS: Final = 2 ** (_LAST_CLASS + 1) - 1
"""The bits of every class."""


def duration_bit(duration_us: int) -> int:
    """The bit of one duration, as an integer in which no other is set."""
    octave = duration_us.bit_length()
    if duration_us <= 1:
        return 1 << octave
    return 1 << min(_LAST_CLASS, 2 * octave - 2 + (duration_us >> octave - 2 & 1))


def durations_between(least_us: int, greatest_us: int | None) -> int:
    """The bits of all durations between two, both included; None is no upper bound."""
    above = ALL_DURATIONS & ~(duration_bit(least_us) - 1)
    return above if greatest_us is None else above & (2 * duration_bit(greatest_us) - 1)
