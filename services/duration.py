"""Durations as people write them (`300ms`, `1.5s`, `2m`), as milliseconds inside.

A number without a unit is refused: `timeout: 300` has cost somebody an outage in every company.
"""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1_000.0, "m": 60_000.0, "h": 3_600_000.0}
MAX_MS = 31 * 24 * 3_600_000.0
"""A month. Nothing here lasts as long; beyond it a number is a slip, and far beyond it no float any more."""
_PATTERN = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s|m|h)")


def parse_duration_ms(text: object) -> float:
    """Milliseconds of a duration such as `300ms`. Raises ValueError, with what is allowed, on anything else."""
    if isinstance(text, str):
        match = _PATTERN.fullmatch(text.strip())
        if match:
            value_ms = float(match["number"]) * _UNITS_MS[match["unit"]]
            if value_ms > MAX_MS:
                raise ValueError(f"{text!r} is longer than {MAX_MS / _UNITS_MS['h']:g}h, the longest there is")
            return value_ms
    raise ValueError(f"{text!r} is not a duration; write a positive number and a unit (us, ms, s, m, h), such as 300ms or 1.5s")


def format_duration_ms(value_ms: float) -> str:
    """The shortest exact spelling that `parse_duration_ms` reads back, in the largest unit it fills: 1500.0 -> `1.5s`."""
    spellings = [
        number + unit
        for unit, unit_ms in reversed(_UNITS_MS.items())
        if value_ms >= unit_ms or unit == "ms"
        if float(number := f"{Decimal(repr(value_ms / unit_ms)):f}".removesuffix(".0")) * unit_ms == value_ms
    ]
    return min(spellings, key=len)


def _positive_ms(text: object) -> float:
    value_ms = parse_duration_ms(text)
    if value_ms <= 0:
        raise ValueError(f"{text!r} must be longer than zero")
    return value_ms


DurationMs = Annotated[float, BeforeValidator(_positive_ms), PlainSerializer(format_duration_ms, return_type=str)]
"""A positive duration: text with a unit in YAML and JSON, milliseconds in Python."""


def without_unit(field: str) -> str:
    """The key of a duration field in YAML: the unit is in the value there (`timeout: 1s`), in the name here (`timeout_ms`)."""
    return field.removesuffix("_ms")
