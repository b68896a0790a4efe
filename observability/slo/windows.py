"""How long is looked at before somebody is called: windows and burn rates, for production and for a demonstration.

A burn rate of 1 spends a budget in exactly its period. Both windows of a row must burn: the long one says that it matters, the
short one that it goes on. Factors and production's windows: Site Reliability Workbook, chapter 5, table 5-8.
docs/slo.md derives the windows of the demonstration.
"""

from dataclasses import dataclass
from enum import StrEnum

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


class Severity(StrEnum):
    """Whom an alert calls: somebody now, or somebody in working hours."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True)
class BurnRow:
    """One condition: both windows burn at least `factor` times as fast as the budget allows."""

    severity: Severity
    factor: float
    long_s: int
    short_s: int


@dataclass(frozen=True)
class WindowProfile:
    """Everything that depends on how soon somebody wants to know.

    Attributes:
        name: How people call it.
        rows: In the order of the workbook.
        current_s: The window that a dashboard calls now.
        period_s: Over which budgets are spent; None: as slo.yaml says.
        page_every_s: How often what pages is evaluated.
        ticket_every_s: How often everything else is.
        min_events: In a long window; with fewer a share says nothing.
        down_for_s: How long no process of a service may answer a scrape before it is called down.
    """

    name: str
    rows: tuple[BurnRow, ...]
    current_s: int
    period_s: int | None
    page_every_s: int
    ticket_every_s: int
    min_events: int
    down_for_s: int

    def windows_s(self, severity: Severity) -> tuple[int, ...]:
        """The windows of one severity's rows that no higher severity has, each once, ascending."""
        mine = {each for row in self.of(severity) for each in (row.short_s, row.long_s)}
        paged = {each for row in self.of(Severity.PAGE) for each in (row.short_s, row.long_s)}
        return tuple(sorted(mine if severity is Severity.PAGE else mine - paged))

    def of(self, severity: Severity) -> tuple[BurnRow, ...]:
        """The rows of one severity."""
        return tuple(row for row in self.rows if row.severity is severity)


PRODUCTION = WindowProfile(
    name="production",
    rows=(
        BurnRow(Severity.PAGE, 14.4, 1 * _HOUR_S, 5 * _MINUTE_S),
        BurnRow(Severity.PAGE, 6, 6 * _HOUR_S, 30 * _MINUTE_S),
        BurnRow(Severity.TICKET, 3, 1 * _DAY_S, 2 * _HOUR_S),
        BurnRow(Severity.TICKET, 1, 3 * _DAY_S, 6 * _HOUR_S),
    ),
    current_s=5 * _MINUTE_S,
    period_s=None,
    page_every_s=30,
    ticket_every_s=60,
    min_events=100,
    down_for_s=60,
)
DEMO = WindowProfile(
    name="demo",
    rows=(
        BurnRow(Severity.PAGE, 14.4, 30, 3),
        BurnRow(Severity.PAGE, 6, 120, 6),
        BurnRow(Severity.TICKET, 3, 180, 15),
        BurnRow(Severity.TICKET, 1, 600, 60),
    ),
    current_s=30,
    period_s=900,
    page_every_s=1,
    ticket_every_s=5,
    min_events=100,
    down_for_s=5,
)
PROFILES = {profile.name: profile for profile in (DEMO, PRODUCTION)}


def prometheus_duration(seconds: int) -> str:
    """In the largest unit that it fills, as Prometheus reads it: `90s`, `5m`, `3d`."""
    for unit, unit_s in (("d", _DAY_S), ("h", _HOUR_S), ("m", _MINUTE_S)):
        if seconds % unit_s == 0:
            return f"{seconds // unit_s}{unit}"
    return f"{seconds}s"
