"""What people may write behind the options of the chaos command."""

import click

from services.duration import format_duration_ms, parse_duration_ms


class Duration(click.ParamType[float]):
    """A number with a unit, as milliseconds."""

    name = "duration"

    def __init__(self, max_ms: float) -> None:
        self._max_ms = max_ms

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Milliseconds, above zero and up to the bound. Fails with what is allowed."""
        if isinstance(value, float):
            return value
        try:
            duration_ms = parse_duration_ms(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not 0 < duration_ms <= self._max_ms:
            self.fail(f"{value!r} is out of range; allowed: above zero, up to {format_duration_ms(self._max_ms)}", param, ctx)
        return duration_ms


class Pace(click.ParamType[float | None]):
    """How many times as often customers come, `0.5`, or `auto` (None) for whatever the machine allows."""

    name = "pace"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """The pace. Fails with what is allowed."""
        if isinstance(value, float):
            return value
        if value == "auto":
            return None
        try:
            pace = float(value)
        except ValueError:
            pace = -1.0
        if not 0 < pace <= 1:  # NaN as well.
            self.fail(f"{value!r} is no pace; allowed: auto, or a number above 0 and up to 1, such as 0.5", param, ctx)
        return pace


class Rate(click.ParamType[float]):
    """A share of requests, `50%` or `0.5`, as a number above 0 and up to 1."""

    name = "rate"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share. Fails with what is allowed."""
        if isinstance(value, float):
            return value
        text = value.strip()
        try:
            rate = float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            rate = -1.0
        if not 0 < rate <= 1:  # NaN as well.
            self.fail(f"{value!r} is no rate; allowed: above 0% and up to 100%, such as 50% or 0.5", param, ctx)
        return rate
