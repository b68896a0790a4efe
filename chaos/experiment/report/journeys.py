"""The table of journeys: each arm's baseline beside its fault window, and the change against the margin."""

from dataclasses import dataclass
from typing import Literal

from chaos.experiment.report.charts import per_cent
from chaos.experiment.report.formats import (
    DASH,
    NBSP,
    NOTHING,
    clip,
    confidence,
    milliseconds,
    percent,
    points,
    signed_milliseconds,
)
from chaos.experiment.report.marks import Mark, arm_label, holding_mark
from chaos.experiment.result import ArmResult, Comparison, JourneyResult, Result, WindowStats
from chaos.experiment.statistics.proportions import Share, wilson, z_of

MAX_JOURNEYS = 12
_WORSE_MARGINS, _BETTER_MARGINS = 4.0, 2.0
"""The axis of a change runs from four margins of worsening to two of improvement: the margin is where it is decided."""


@dataclass(frozen=True)
class ChangePlot:
    """An interval of change on an axis in units of the margin; positions are per cent. Worse is left."""

    low: float
    high: float
    point: float
    beyond: Literal["", "worse", "better"]
    margin: float
    zero: float


@dataclass(frozen=True)
class JourneyCell:
    """One journey in one arm, in words."""

    mark: Mark
    counts: str
    before: str
    during: str
    before_interval: str
    during_interval: str
    change: str
    change_interval: str
    plot: ChangePlot | None
    p95_before: str
    p95_during: str
    p99: str
    p95_change: str
    p95_interval: str
    degraded: str
    any_degraded: bool
    sentence: str


@dataclass(frozen=True)
class JourneyRow:
    """One journey in every arm, in the arms' order; None where an arm had none of it."""

    name: str
    cells: tuple[JourneyCell | None, ...]


@dataclass(frozen=True)
class JourneyTable:
    """All of it. `level` is the confidence of the intervals; `margin` and `p95_bound` are those in force."""

    arms: tuple[str, ...]
    rows: tuple[JourneyRow, ...]
    level: str
    margin: str
    p95_bound: str
    left_out: int


def journey_table(result: Result) -> JourneyTable:
    """Every journey that any arm saw, in the order in which the arms name them."""
    names = tuple(dict.fromkeys(journey.name for arm in result.arms for journey in arm.journeys))
    comparisons = [c for arm in result.arms for journey in arm.journeys if (c := journey.comparison)]
    return JourneyTable(
        arms=tuple(arm_label(arm) for arm in result.arms),
        rows=tuple(JourneyRow(clip(name, 60), tuple(_cell(arm, name) for arm in result.arms)) for name in names[:MAX_JOURNEYS]),
        level=" and ".join(sorted({confidence(c.drop_interval) for c in comparisons})),
        margin=" and ".join(sorted({f"{points(c.margin, signed=False)}{NBSP}pp" for c in comparisons})),
        p95_bound=" and ".join(sorted({milliseconds(c.p95_bound_ms) for c in comparisons})),
        left_out=max(len(names) - MAX_JOURNEYS, 0),
    )


def change_plot(comparison: Comparison) -> ChangePlot:
    """Where the change and its interval lie; what is beyond the axis lies on its edge and says so."""
    margin = comparison.margin
    length = (_WORSE_MARGINS + _BETTER_MARGINS) * margin

    def place(drop: float) -> float:
        return per_cent(_WORSE_MARGINS * margin - drop, length)

    return ChangePlot(
        low=place(comparison.drop_interval.high),
        high=place(comparison.drop_interval.low),
        point=place(comparison.drop),
        beyond=_beyond(comparison.drop / margin),
        margin=place(margin),
        zero=place(0.0),
    )


def _beyond(drop_margins: float) -> Literal["", "worse", "better"]:
    if drop_margins > _WORSE_MARGINS:
        return "worse"
    return "better" if drop_margins < -_BETTER_MARGINS else ""


def _cell(arm: ArmResult, name: str) -> JourneyCell | None:
    journey = next((journey for journey in arm.journeys if journey.name == name), None)
    if journey is None:
        return None
    comparison = journey.comparison
    return JourneyCell(
        mark=holding_mark(journey.holding, journey.role),
        counts=f"n{NBSP}={NBSP}{journey.baseline.journeys}, {journey.fault.journeys}",
        before=percent(journey.baseline.success),
        during=percent(journey.fault.success),
        before_interval=_interval(journey.baseline, comparison, comparison.design_effect_baseline if comparison else 1.0),
        during_interval=_interval(journey.fault, comparison, comparison.design_effect_fault if comparison else 1.0),
        change=f"{points(-comparison.drop)}{NBSP}pp" if comparison else NOTHING,
        change_interval=_change_interval(comparison),
        plot=change_plot(comparison) if comparison and comparison.margin > 0 else None,
        p95_before=milliseconds(journey.baseline.p95_ms),
        p95_during=milliseconds(journey.fault.p95_ms),
        p99=f"p99 {milliseconds(journey.baseline.p99_ms)} \N{RIGHTWARDS ARROW} {milliseconds(journey.fault.p99_ms)}",
        p95_change=_p95_change(journey),
        p95_interval=_p95_interval(journey),
        degraded=percent(journey.fault.degraded_share),
        any_degraded=journey.fault.degraded > 0,
        sentence=clip(journey.sentence),
    )


def _interval(window: WindowStats, comparison: Comparison | None, design_effect: float) -> str:
    """Wilson's interval on n divided by the design effect: what Newcombe's interval of the difference is made of."""
    if comparison is None or window.success is None:
        return ""
    share = Share(window.success, window.journeys / max(design_effect, 1.0))
    low, high = wilson(share, z_of(comparison.drop_interval.confidence))
    return f"{_bare(low)}{DASH}{_bare(high)}"


def _bare(share: float) -> str:
    return f"{share * 100:.1f}".removesuffix(".0")


def _change_interval(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    return f"{points(-comparison.drop_interval.high)} to {points(-comparison.drop_interval.low)}"


def _p95_change(journey: JourneyResult) -> str:
    comparison = journey.comparison
    if comparison is None or comparison.p95_increase_ms is None:
        return ""
    return signed_milliseconds(comparison.p95_increase_ms)


def _p95_interval(journey: JourneyResult) -> str:
    interval = journey.comparison.p95_increase_interval if journey.comparison else None
    return f"{signed_milliseconds(interval.low)} to {signed_milliseconds(interval.high)}" if interval else ""
