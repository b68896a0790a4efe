"""Panels about objectives and alerts, for all dashboards that show them.

They read recorded series whose names hold no window, so that they suit the windows of a demonstration and of production.
"""

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import links, tables, thresholds
from dashboards.head import Head, Query
from dashboards.panels import lines, number, states
from dashboards.promql import equal, matching, or_none, or_zero, series, total
from dashboards.tables import Column
from observability import names

SLO: Final = "slo"
KIND: Final = names.LABEL_KIND
FIRING: Final = equal("alertstate", "firing")
PENDING: Final = equal("alertstate", "pending")
_ALERT_LABELS: Final = ("alertname", "severity", SLO, "service")
_BURN: Final = thresholds.up_to(1, 10)
"""1 spends the budget exactly within its period; an alert fires at a multiple."""
_LEFT: Final = thresholds.at_least(0, 0.25)
_STAGE: Final = {0: ("none", thresholds.GREEN), 1: ("pending", thresholds.YELLOW), 2: ("firing", thresholds.RED)}


def alerts_now() -> Panel:
    """How many alerts fire."""
    return number(
        Head(
            "Alerts", "Alerts that fire now, of any severity.", units.NoUnit, steps=thresholds.ANY_IS_BAD, links=[links.to_slos()]
        ),
        Query(or_zero(total(series(names.ALERTS, FIRING), function="count")), "alerts"),
    )


def firing() -> Panel:
    """Which alerts fire and which are about to, over time."""
    fires = f"2 * {total(series(names.ALERTS, FIRING), _ALERT_LABELS, 'max')}"
    will = total(series(names.ALERTS, PENDING), _ALERT_LABELS, "max")
    return states(
        Head(
            "Alerts over time",
            "Every alert from the moment its condition holds (pending) over its firing to its end.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
            empty="No alert fired",
        ),
        Query(or_none(f"({fires} or {will})", "alertname"), "{{severity}} {{slo}} {{service}} {{alertname}}"),
        words=_STAGE,
    )


def summary(*conditions: str) -> Panel:
    """Every objective with what is left of its budget."""
    by = (SLO, KIND)

    def of(name: str) -> str:
        return total(series(name, *conditions), by, "max")

    percent = units.PercentUnit
    return tables.rows(
        Head(
            "Objectives",
            "Every objective, how fast its error budget is spent now (1: exactly within its period) and how much is left of it.",
            percent,
            empty="No request counted yet",
            links=[links.to_slo()],
        ),
        [
            Column("Objective", of(names.SLO_OBJECTIVE), percent, decimals=2),
            Column("Burn rate", of(names.SLO_CURRENT_BURN), units.NoUnit, _BURN, decimals=2),
            Column("Budget left", of(names.SLO_BUDGET_REMAINING), percent, _LEFT, decimals=1),
        ],
        labels=by,
        worst="Burn rate",
    )


def burn_rate(*conditions: str) -> Panel:
    """How fast budgets are spent."""
    return lines(
        Head(
            "Burn rate",
            "How many times as fast as allowed each budget is spent: at 1 it lasts exactly its period.",
            units.NoUnit,
            steps=_BURN,
            decimals=2,
            empty="No request counted yet",
        ),
        Query(total(series(names.SLO_CURRENT_BURN, *conditions), (SLO,), "max"), "{{slo}}"),
    )


def budget_left(*conditions: str) -> Panel:
    """What is left of budgets."""
    return lines(
        Head(
            "Budget left",
            "What is left of each budget of errors in its period; below 0 the objective is missed.",
            units.PercentUnit,
            steps=_LEFT,
            minimum=None,
            maximum=1,
            empty="No request counted yet",
        ),
        Query(total(series(names.SLO_BUDGET_REMAINING, *conditions), (SLO,), "max"), "{{slo}}"),
    )


def missed(*conditions: str) -> Panel:
    """How many objectives are missed."""
    below = f"{series(names.SLO_BUDGET_REMAINING, *conditions)} < 0"
    return number(
        Head("Objectives missed", "Objectives whose budget of the period is spent.", units.NoUnit, steps=thresholds.ANY_IS_BAD),
        Query(or_zero(total(below, function="count")), "missed"),
    )


def worst_burn(*conditions: str) -> Panel:
    """The budget that burns fastest."""
    return number(
        Head(
            "Fastest burn",
            "The highest burn rate of all objectives: how many times as fast as allowed a budget is spent.",
            units.NoUnit,
            steps=_BURN,
            decimals=2,
        ),
        Query(or_zero(total(series(names.SLO_CURRENT_BURN, *conditions), function="max")), "burn rate"),
    )


def least_left(*conditions: str) -> Panel:
    """The budget of which least is left."""
    return number(
        Head(
            "Least budget left",
            "What is left of the budget that is spent most.",
            units.PercentUnit,
            steps=_LEFT,
            minimum=None,
            decimals=1,
        ),
        Query(total(series(names.SLO_BUDGET_REMAINING, *conditions), function="min"), "left"),
    )


def chosen(variable: str) -> str:
    """The condition that a dashboard's variable chooses objectives by."""
    return matching(SLO, f"${variable}")
