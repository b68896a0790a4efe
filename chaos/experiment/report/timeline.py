"""Success and latency over time: one panel a journey and arm, all on the same axes, and the same as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.experiment.report.blocks import Block, block_length_s, blocks
from chaos.experiment.report.charts import Tick, log_scale, time_ticks
from chaos.experiment.report.formats import NOTHING, clip, milliseconds, percent
from chaos.experiment.report.journeys import MAX_JOURNEYS
from chaos.experiment.report.marks import arm_label
from chaos.experiment.report.panel import LATENCY_PX, PHASES, SHARE_PX, Axes, Layout, Panel, panel
from chaos.experiment.result import ArmResult, Result


@dataclass(frozen=True)
class Figure:
    """One journey: its panels in the arms' order, and what they show as a table of texts."""

    id: str
    name: str
    panels: tuple[Panel, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Timeline:
    """All journeys, and the axes that their panels share."""

    arms: tuple[str, ...]
    figures: tuple[Figure, ...]
    block_s: int
    time_ticks: tuple[Tick, ...]
    share_ticks: tuple[Tick, ...]
    latency_ticks: tuple[Tick, ...]
    layout: Layout


def timeline(result: Result) -> Timeline:
    """Charts of every journey that any arm recorded; without figures when none recorded any second."""
    axes = _axes(result)
    names = tuple(dict.fromkeys(series.name for arm in result.arms for series in arm.series if series.arrivals))
    return Timeline(
        arms=tuple(arm_label(arm) for arm in result.arms),
        figures=tuple(_figure(result, axes, index, name) for index, name in enumerate(names[:MAX_JOURNEYS])),
        block_s=axes.block_s,
        time_ticks=time_ticks(axes.length_s),
        share_ticks=tuple(Tick(round(SHARE_PX * (1 - share), 1), percent(share)) for share in (1.0, 0.5, 0.0)),
        latency_ticks=tuple(Tick(axes.latency.at(value), milliseconds(value)) for value in axes.latency.decades()),
        layout=Layout(),
    )


def _axes(result: Result) -> Axes:
    recorded = [series for arm in result.arms for series in arm.series]
    length_s = max((len(series.arrivals) for series in recorded), default=0)
    latencies = [value for series in recorded for value in (*series.p50_ms, *series.p95_ms) if value is not None]
    return Axes(float(length_s), block_length_s(length_s, len(recorded)), log_scale(latencies, LATENCY_PX))


def _figure(result: Result, axes: Axes, index: int, name: str) -> Figure:
    drawn = tuple(_series_blocks(arm, name, axes.block_s) for arm in result.arms)
    return Figure(
        id=f"journey-{index + 1}",
        name=clip(name, 60),
        panels=tuple(panel(arm, at, name, drawn[at], axes) for at, arm in enumerate(result.arms)),
        rows=_rows(result.arms, drawn, axes.block_s),
    )


def _series_blocks(arm: ArmResult, name: str, block_s: int) -> tuple[Block, ...]:
    found = next((series for series in arm.series if series.name == name), None)
    return blocks(found, block_s) if found else ()


def _rows(arms: Sequence[ArmResult], drawn: Sequence[Sequence[Block]], block_s: int) -> tuple[tuple[str, ...], ...]:
    count = max((len(series) for series in drawn), default=0)
    return tuple(
        (
            str(index * block_s),
            _phase_at(arms, (index + 0.5) * block_s),
            *(text for series in drawn for text in _texts(series, index)),
        )
        for index in range(count)
    )


def _phase_at(arms: Sequence[ArmResult], at_s: float) -> str:
    spans = (phase for arm in arms for phase in arm.phases)
    return next((PHASES[phase.name] for phase in spans if phase.start_s <= at_s < phase.end_s), NOTHING)


def _texts(series: Sequence[Block], index: int) -> tuple[str, ...]:
    """Journeys, succeeded, degraded, p50 and p95 of one block."""
    if index >= len(series) or not series[index].journeys:
        return ("0", NOTHING, NOTHING, NOTHING, NOTHING)
    block = series[index]
    return (
        str(block.journeys),
        percent(1 - block.failed_share),
        percent(block.degraded_share),
        milliseconds(block.p50_ms),
        milliseconds(block.p95_ms),
    )
