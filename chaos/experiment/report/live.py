"""Where an arm can be looked at in the programs that watched it, where those outlive it: at its own time, and its own trace."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from chaos.experiment.report.marks import arm_label
from chaos.experiment.result import ArmResult

DASHBOARD: Final = "firebreak-chaos"
"""The uid of the dashboard of experiments (dashboards/chaos.json)."""
_ALERTS: Final = 'ALERTS{alertstate="firing"}'
_MARGIN_S: Final = 5.0


@dataclass(frozen=True)
class Link:
    """A page of a program.

    Attributes:
        label: Whose page.
        url: Its address.
        what: What is to be seen there.
    """

    label: str
    url: str
    what: str


@dataclass(frozen=True)
class LiveArm:
    """The pages of one arm."""

    arm: str
    links: tuple[Link, ...]


def live_arms(arms: tuple[ArmResult, ...]) -> tuple[LiveArm, ...]:
    """Of each arm whose system had pages that outlive it; of the others there is nothing to open."""
    return tuple(LiveArm(arm_label(arm), links) for arm in arms if arm.phases and (links := _links(arm)))


def _links(arm: ArmResult) -> tuple[Link, ...]:
    makers: tuple[tuple[str, Callable[[str, ArmResult], Link | None]], ...] = (
        ("grafana", _dashboard),
        ("traces", _trace),
        ("prometheus", _alerts),
        ("alertmanager", _routed),
    )
    found = (make(arm.addresses[name], arm) for name, make in makers if name in arm.addresses)
    return tuple(link for link in found if link is not None)


def _dashboard(root: str, arm: ArmResult) -> Link:
    start_at, end_at = _time(arm)
    query = urlencode({"from": round(start_at * 1_000), "to": round(end_at * 1_000)})
    return Link("Grafana", f"{root}/d/{DASHBOARD}?{query}", "the dashboard of experiments, at the time of this arm")


def _trace(root: str, arm: ArmResult) -> Link | None:
    if arm.trace is None:
        return None
    return Link(
        "Jaeger", f"{root}/trace/{quote(arm.trace.trace_id, safe='')}", "the degraded journey below, as long as Jaeger has it"
    )


def _alerts(root: str, arm: ArmResult) -> Link:
    start_at, end_at = _time(arm)
    end = datetime.fromtimestamp(end_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    query = {"g0.expr": _ALERTS, "g0.tab": "0", "g0.range_input": f"{round(end_at - start_at)}s", "g0.end_input": end}
    return Link("Prometheus", f"{root}/graph?{urlencode(query)}", "the alerts that fired in this arm")


def _routed(root: str, _arm: ArmResult) -> Link:
    return Link(
        "Alertmanager", f"{root}/#/alerts?silenced=true&inhibited=true", "the alerts that stand now, and who would be called"
    )


def _time(arm: ArmResult) -> tuple[float, float]:
    """From a moment before its first phase to a moment after its last one."""
    return arm.phases[0].started_at - _MARGIN_S, arm.phases[-1].ended_at + _MARGIN_S
