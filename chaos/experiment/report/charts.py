"""Scales, ticks and paths of the report's charts.

Horizontal positions are per cent of the plot's width and vertical ones are pixels, so that one drawing fits a wall and a
phone with letters of the same size on both. Nothing here knows what is drawn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

MAX_TICKS = 7
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
_LABEL_GAP_PX = 12.0


@dataclass(frozen=True)
class Tick:
    """A line across a plot and what stands beside it; `at` is per cent on a horizontal axis and pixels on a vertical one."""

    at: float
    label: str


@dataclass(frozen=True)
class LogScale:
    """Decades on a vertical axis: `low` lies at the bottom of the plot, `high` at its top."""

    low: float
    high: float
    height_px: float

    def at(self, value: float) -> float:
        """Pixels from the top of the plot; values outside lie on the edge."""
        span = math.log10(self.high / self.low)
        share = math.log10(max(value, self.low) / self.low) / span
        return round(self.height_px * (1 - min(share, 1.0)), 1)

    def decades(self) -> tuple[float, ...]:
        """Powers of ten on the axis, both ends included."""
        first, last = round(math.log10(self.low)), round(math.log10(self.high))
        return tuple(10.0**exponent for exponent in range(first, last + 1))


def log_scale(values: Sequence[float], height_px: float) -> LogScale:
    """A scale of whole decades around the positive `values`; two decades around 100 when there are none."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    if not positive:
        return LogScale(10.0, 1_000.0, height_px)
    low = math.floor(math.log10(min(positive)))
    high = max(math.ceil(math.log10(max(positive))), low + 1)
    return LogScale(10.0**low, 10.0**high, height_px)


def per_cent(value: float, length: float) -> float:
    """Where `value` of an axis from 0 to `length` lies, in per cent; ends are kept."""
    return round(100 * min(max(value / length, 0.0), 1.0), 3) if length > 0 else 0.0


def time_ticks(length_s: float) -> tuple[Tick, ...]:
    """Round seconds along a time axis, at most MAX_TICKS steps of them."""
    step_s = next((step for step in _STEPS_S if length_s / step <= MAX_TICKS), max(1, math.ceil(length_s / MAX_TICKS)))
    return tuple(Tick(per_cent(at, length_s), str(at)) for at in range(0, math.floor(length_s) + 1, step_s))


def line_path(heights_px: Sequence[float | None]) -> str:
    """An SVG path through the middle of each block, broken where a block has no value.

    A value between two gaps is a line of no length: with round caps it is drawn as a dot, not lost.
    """
    commands: list[str] = []
    drawing = False
    for index, height in enumerate(heights_px):
        if height is None:
            drawing = False
            continue
        alone = not drawing and (index + 1 == len(heights_px) or heights_px[index + 1] is None)
        commands.append(f"{'L' if drawing else 'M'}{index + 0.5:g} {height:g}{'h0' if alone else ''}")
        drawing = True
    return "".join(commands)


def band_path(upper_px: Sequence[float | None], lower_px: Sequence[float | None]) -> str:
    """The area between two lines, as one closed shape for each stretch without a gap."""
    shapes: list[str] = []
    stretch: list[tuple[float, float, float]] = []
    for index, (upper, lower) in enumerate(zip(upper_px, lower_px, strict=True)):
        if upper is None or lower is None:
            shapes += _closed(stretch)
            stretch = []
        else:
            stretch.append((index + 0.5, upper, lower))
    return "".join([*shapes, *_closed(stretch)])


def apart(upper_px: float, lower_px: float) -> tuple[float, float]:
    """Two labels' heights, moved away from each other until both can be read."""
    missing = _LABEL_GAP_PX - (lower_px - upper_px)
    return (upper_px - missing / 2, lower_px + missing / 2) if missing > 0 else (upper_px, lower_px)


def _closed(stretch: Sequence[tuple[float, float, float]]) -> list[str]:
    if len(stretch) < 2:  # A single block has no area; its line shows as a dot.
        return []
    there = [f"{x:g} {upper:g}" for x, upper, _ in stretch]
    back = [f"{x:g} {lower:g}" for x, _, lower in reversed(stretch)]
    return [f"M{'L'.join([*there, *back])}Z"]
