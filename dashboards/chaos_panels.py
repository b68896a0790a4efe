"""Panels about faults and how far they reach, for all dashboards that show them."""

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import golden, links, thresholds
from dashboards.head import Head, Query
from dashboards.panels import lines, states
from dashboards.promql import INSTANCE, or_none, series, total
from observability import names

_ACTING: Final = {0: ("none", thresholds.GREEN), 1: ("acts", thresholds.RED)}
_BREAKER: Final = {0: ("closed", thresholds.GREEN), 1: ("half-open", thresholds.YELLOW), 2: ("open", thresholds.RED)}


def active_faults() -> Panel:
    """What is being done to the system."""
    by = (names.LABEL_FAULT, names.LABEL_PLACE)
    return states(
        Head(
            "Faults in force",
            "Every fault and where it acts, from the moment its lease begins to the moment it ends.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
            empty="No fault acts",
        ),
        Query(or_none(f"clamp_max({total(names.CHAOS_ACTIVE, by, 'max')}, 1)", *by), "{{fault}} at {{place}}"),
        words=_ACTING,
    )


def journeys_reached() -> Panel:
    """Which journeys fail."""
    return states(
        Head(
            "Blast radius: journeys",
            "The share of each journey that fails: green below 1 %, red from 5 %. What should hold under the fault stays green.",
            units.PercentUnit,
            steps=thresholds.ERRORS,
            empty="No load",
        ),
        Query(golden.failed_journeys(), "{{journey}}"),
    )


def services_reached() -> Panel:
    """Which services answer with errors."""
    return states(
        Head(
            "Blast radius: services",
            "The share of each service's answers that are its own fault. A service that is dead has no row then.",
            units.PercentUnit,
            steps=thresholds.ERRORS,
            empty="No request",
            links=[links.to_service()],
        ),
        Query(golden.errors(), "{{service}}"),
    )


def edges_reached() -> Panel:
    """Over which edges attempts fail: where a fault stops."""
    return states(
        Head(
            "Blast radius: edges",
            "The share of attempts over each edge that fail: their answer is a server's error, or none came.",
            units.PercentUnit,
            steps=thresholds.ERRORS,
            empty="No call",
            links=[links.to_edge()],
        ),
        Query(golden.failed_attempts(), "{{edge}}"),
    )


def breakers(*conditions: str) -> Panel:
    """Every breaker's state, a row for each process that has one."""
    by = (names.LABEL_EDGE, INSTANCE)
    return states(
        Head(
            "Breakers",
            "The state of the breaker of an edge in each replica of its caller: while it is open, calls are not sent at all.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
            empty="This edge has no breaker",
            links=[links.to_edge()],
        ),
        Query(total(series(names.RESILIENCE_BREAKER_STATE, *conditions), by, "max"), "{{edge}} in {{instance}}"),
        words=_BREAKER,
    )


def journey_latency() -> Panel:
    """How long customers wait."""
    return lines(
        Head(
            "95th percentile of journeys",
            "From the instant at which a journey was meant to begin, so that a stalled system cannot hide its queue.",
            units.Seconds,
            steps=thresholds.up_to(1, 5),
            empty="No load",
        ),
        Query(golden.journey_latency(0.95), "{{journey}}", exemplars=True),
    )


def journey_success() -> Panel:
    """How many journeys end well."""
    return lines(
        Head(
            "Journeys that end well",
            "The share of each journey's ends that are as its customer wished, degraded answers included.",
            units.PercentUnit,
            steps=thresholds.at_least(0.95, 0.99),
            maximum=1,
            empty="No load",
        ),
        Query(f"1 - ({golden.failed_journeys()})", "{{journey}}"),
    )
