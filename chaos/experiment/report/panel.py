"""One panel of the timeline: a journey in an arm, as stacked shares over latency lines, with its phases."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.experiment.report.blocks import Block
from chaos.experiment.report.charts import LogScale, apart, band_path, line_path, per_cent
from chaos.experiment.report.formats import clip, milliseconds, percent, seconds
from chaos.experiment.report.marks import Mark, arm_label, holding_mark
from chaos.experiment.result import ArmResult

SHARE_PX = 96
LATENCY_PX = 64
_NARROW = 12.0
"""Per cent of the width below which a phase's name would run into its neighbour."""
_NO_ROOM_RIGHT = 85.0
"""Per cent of the width beyond which a label stands left of its line."""
PHASES = {"warmup": "warm-up", "baseline": "baseline", "fault": "fault", "recovery": "recovery"}


@dataclass(frozen=True)
class Layout:
    """Where the parts of a panel begin and end, in pixels from its top: phase names, shares, latency, seconds."""

    shares: int = 18
    latency: int = 136
    latency_px: int = LATENCY_PX
    bottom: int = 200
    height: int = 218


@dataclass(frozen=True)
class Axes:
    """What all panels share: the length of time and the scale of latency."""

    length_s: float
    block_s: int
    latency: LogScale


@dataclass(frozen=True)
class Column:
    """Blocks of equal composition side by side: failed on top, degraded, then what succeeded in full.

    Horizontal positions are per cent of the plot's width, vertical ones pixels from its top.
    """

    x: float
    width: float
    failed_px: float
    degraded_y: float
    degraded_px: float
    ok_y: float
    ok_px: float


@dataclass(frozen=True)
class Band:
    """A phase, in per cent of the plot's width; its label is empty where another one needs the room."""

    name: str
    label: str
    x: float
    width: float
    middle: float


@dataclass(frozen=True)
class Recovered:
    """The instant at which every journey of the arm was back; `lifted` is where the fault ended."""

    lifted: float
    at: float
    width: float
    label: str
    leftwards: bool


@dataclass(frozen=True)
class Lines:
    """Latency of the median and of the 95th percentile, as paths; `count` is the width of their coordinates."""

    count: int
    p50: str
    p95: str
    between: str
    p50_label_px: float
    p95_label_px: float


@dataclass(frozen=True)
class Panel:
    """One journey in one arm. `index` is the arm's place among the arms."""

    arm: str
    index: int
    mark: Mark | None
    title: str
    description: str
    columns: tuple[Column, ...]
    bands: tuple[Band, ...]
    lines: Lines | None
    recovered: Recovered | None


def panel(arm: ArmResult, index: int, name: str, series: Sequence[Block], axes: Axes) -> Panel:
    """The panel of the journey `name`, whose seconds are `series`."""
    journey = next((journey for journey in arm.journeys if journey.name == name), None)
    return Panel(
        arm=arm_label(arm),
        index=index,
        mark=holding_mark(journey.holding, journey.role) if journey else None,
        title=f"{clip(name, 60)}, {arm_label(arm).lower()}: success and latency over time",
        description=_description(arm, name),
        columns=columns(series, axes.length_s),
        bands=bands(arm, axes.length_s),
        lines=lines(series, axes.latency),
        recovered=recovered(arm, axes.length_s),
    )


def columns(series: Sequence[Block], length_s: float) -> tuple[Column, ...]:
    """Stacked shares; neighbours of one composition are drawn as one, and a block without journeys is left blank."""
    runs: list[list[Block]] = []
    for block in series:
        if not block.journeys:
            continue
        last = runs[-1][-1] if runs else None
        if last and last.end_s == block.start_s and _shares(last) == _shares(block):
            runs[-1].append(block)
        else:
            runs.append([block])
    return tuple(_column(run, length_s) for run in runs)


def lines(series: Sequence[Block], scale: LogScale) -> Lines | None:
    """Latency paths; None when no block has a latency."""
    p50 = [None if block.p50_ms is None else scale.at(block.p50_ms) for block in series]
    p95 = [None if block.p95_ms is None else scale.at(block.p95_ms) for block in series]
    last50 = next((y for y in reversed(p50) if y is not None), None)
    last95 = next((y for y in reversed(p95) if y is not None), None)
    if last50 is None or last95 is None:
        return None
    p95_label_px, p50_label_px = apart(last95, last50)
    return Lines(len(series), line_path(p50), line_path(p95), band_path(p95, p50), p50_label_px, p95_label_px)


def bands(arm: ArmResult, length_s: float) -> tuple[Band, ...]:
    """The arm's phases; that of the fault as it was really in force."""
    found: list[Band] = []
    for phase in arm.phases:
        name, label = str(phase.name), PHASES[phase.name]
        start_s, end_s = phase.start_s, phase.end_s
        if phase.name == "fault" and arm.fault:
            start_s, end_s = arm.fault.applied_s, arm.fault.lifted_s
        elif phase.name == "fault":
            name, label = "unharmed", "no fault applied"
        x, end = per_cent(start_s, length_s), per_cent(end_s, length_s)
        taken = end - x < _NARROW or (phase.name == "recovery" and arm.recovery.recovered)
        found.append(Band(name, "" if taken else label, x, round(end - x, 3), round((x + end) / 2, 3)))
    return tuple(found)


def recovered(arm: ArmResult, length_s: float) -> Recovered | None:
    """Where the arm was back; None when it was not, or when no fault was applied."""
    if arm.fault is None or not arm.recovery.recovered or arm.recovery.after_s is None:
        return None
    lifted_s, after_s = arm.fault.lifted_s, arm.recovery.after_s
    lifted, at = per_cent(lifted_s, length_s), per_cent(lifted_s + after_s, length_s)
    return Recovered(lifted, at, round(at - lifted, 3), f"all back: {seconds(after_s)}", leftwards=at > _NO_ROOM_RIGHT)


def _shares(block: Block) -> tuple[float, float]:
    return block.failed_share, block.degraded_share


def _column(run: Sequence[Block], length_s: float) -> Column:
    x = per_cent(run[0].start_s, length_s)
    failed, degraded = _shares(run[0])
    failed_px = round(SHARE_PX * failed, 1)
    ok_y = round(SHARE_PX * (failed + degraded), 1)
    return Column(
        x=x,
        width=round(per_cent(run[-1].end_s, length_s) - x, 3),
        failed_px=failed_px,
        degraded_y=failed_px,
        degraded_px=round(ok_y - failed_px, 1),
        ok_y=ok_y,
        ok_px=round(SHARE_PX - ok_y, 1),
    )


def _description(arm: ArmResult, name: str) -> str:
    journey = next((journey for journey in arm.journeys if journey.name == name), None)
    if journey is None:
        return "This arm had no such journey."
    windows = (("Before the fault", journey.baseline), ("during it", journey.fault), ("after it", journey.recovery))
    return "; ".join(
        f"{when} {percent(seen.success)} succeeded, {percent(seen.degraded_share)} degraded, p95 {milliseconds(seen.p95_ms)}"
        for when, seen in windows
    )
