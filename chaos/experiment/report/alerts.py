"""The pages of every arm as bars over time, and every alert as a row of a table."""

from dataclasses import dataclass

from chaos.experiment.outcomes import AlertRole, ProofKind
from chaos.experiment.report.charts import Tick, per_cent, time_ticks
from chaos.experiment.report.formats import NOTHING, clip, seconds
from chaos.experiment.report.marks import arm_label
from chaos.experiment.result import AlertResult, ArmResult, Result

MAX_BARS = 12
MAX_ROWS = 60
ROW_PX = 18
_WORDS = {
    AlertRole.EXPECTED: "expected",
    AlertRole.ALLOWED: "allowed",
    AlertRole.INHIBITED: "silent",
    AlertRole.UNEXPECTED: "not expected",
    AlertRole.TICKET: "ticket",
}
_ROUTED = {"active": "called", "suppressed": "kept silent"}


@dataclass(frozen=True)
class Bar:
    """One page: where it stands, per cent of the width, and pixels from the top."""

    x: float
    width: float
    y: int
    role: str
    label: str


@dataclass(frozen=True)
class AlertPanel:
    """One arm. `height` is of the rows, in pixels; `left_out` says how many more pages there were."""

    arm: str
    index: int
    sentence: str
    bars: tuple[Bar, ...]
    left_out: int
    height: int
    fault_x: float
    fault_width: float


@dataclass(frozen=True)
class Alerts:
    """All arms; without panels when no arm has anything to tell of alerts."""

    panels: tuple[AlertPanel, ...]
    rows: tuple[tuple[str, ...], ...]
    ticks: tuple[Tick, ...]


def alerts(result: Result) -> Alerts:
    """What fired in every arm."""
    length_s = max((arm.phases[-1].end_s for arm in result.arms if arm.phases), default=0.0)
    if not any(arm.alerts for arm in result.arms):
        return Alerts((), (), ())
    rows = [_row(arm, alert) for arm in result.arms for alert in sorted(arm.alerts, key=_when)]
    return Alerts(
        panels=tuple(_panel(arm, index, length_s) for index, arm in enumerate(result.arms)),
        rows=tuple(rows[:MAX_ROWS]),
        ticks=time_ticks(length_s),
    )


def _panel(arm: ArmResult, index: int, length_s: float) -> AlertPanel:
    pages = sorted((alert for alert in arm.alerts if alert.severity == "page"), key=_when)
    bars = tuple(_bar(alert, row, length_s) for row, alert in enumerate(pages[:MAX_BARS]))
    x, end = (per_cent(at_s, length_s) for at_s in ((arm.fault.applied_s, arm.fault.lifted_s) if arm.fault else (0.0, 0.0)))
    return AlertPanel(
        arm=arm_label(arm),
        index=index,
        sentence=clip(arm.proof(ProofKind.ALERTS).sentence),
        bars=bars,
        left_out=len(pages) - len(bars),
        height=ROW_PX * max(1, len(bars)),
        fault_x=x,
        fault_width=round(end - x, 3),
    )


def _bar(alert: AlertResult, row: int, length_s: float) -> Bar:
    x = per_cent(alert.start_s, length_s)
    end = 100.0 if alert.end_s is None else per_cent(alert.end_s, length_s)
    return Bar(x, round(end - x, 3), ROW_PX * row, str(alert.role), f"{_named(alert)}: {_WORDS[alert.role]}")


def _row(arm: ArmResult, alert: AlertResult) -> tuple[str, ...]:
    over = NOTHING if alert.end_s is None else seconds(alert.end_s)
    return (
        arm_label(arm),
        clip(alert.alert, 60),
        _named(alert),
        alert.severity,
        seconds(alert.start_s),
        over,
        _WORDS[alert.role],
        _ROUTED.get(alert.routed, NOTHING),
    )


def _named(alert: AlertResult) -> str:
    return clip(f"{alert.subject} {alert.kind}".rstrip(), 60)


def _when(alert: AlertResult) -> tuple[float, str]:
    return alert.start_s, alert.subject
