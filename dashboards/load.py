"""What is asked of the system: whether the load is as it was meant to be, and what became of it."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import chaos_panels, thresholds, uids
from dashboards.head import Head, Query
from dashboards.page import Page, row
from dashboards.panels import lines, number
from dashboards.promql import JOURNEY, STEP, or_zero, quantile, rate, ratio, total
from observability import names

_NO_LOAD = "No load runs"
_COLOURS = {"ok": "green", "failed": "red", "abandoned": "orange", "error": "purple"}


def page() -> Page:
    """The dashboard."""
    return Page(
        uid=uids.LOAD,
        title="Load",
        question="Is the load what was asked for, so that the rest may be believed, and what became of it?",
        rows=[
            row("Now", 4, _asked_now(), _begun_now(), _ended_now(), _in_flight_now()),
            row("Open loop: arrivals never wait for answers", 9, _arrivals(), _in_flight(), _lateness()),
            row("Journeys", 9, _outcomes(), chaos_panels.journey_success(), chaos_panels.journey_latency()),
            row("Requests", 9, _steps(), _step_failures()),
        ],
    )


def _asked_now() -> Panel:
    return number(
        Head("Asked for", "Journeys a second that the schedule asks for now, on average.", units.CountsPerSecond, decimals=1),
        Query(or_zero(total(names.LOAD_TARGET_RATE)), "asked for"),
    )


def _begun_now() -> Panel:
    return number(
        Head("Arrivals", "Journeys a second that began.", units.CountsPerSecond, decimals=1),
        Query(or_zero(rate(names.LOAD_ARRIVALS)), "arrivals"),
    )


def _ended_now() -> Panel:
    return number(
        Head("Completed", "Journeys a second that ended, whatever the outcome.", units.CountsPerSecond, decimals=1),
        Query(or_zero(rate(names.LOAD_JOURNEYS)), "completed"),
    )


def _in_flight_now() -> Panel:
    return number(
        Head("In flight", "Journeys that have begun and not ended.", units.NoUnit),
        Query(or_zero(total(names.LOAD_IN_FLIGHT)), "in flight"),
    )


def _arrivals() -> Panel:
    return lines(
        Head(
            "Arrivals: intended and completed",
            "What the schedule asks for, what arrived and what ended. If the second leaves the first, the generator is too slow; "
            "if the third leaves the second, the system is.",
            units.CountsPerSecond,
            empty=_NO_LOAD,
        ),
        Query(total(names.LOAD_TARGET_RATE), "asked for"),
        Query(rate(names.LOAD_ARRIVALS), "arrived"),
        Query(rate(names.LOAD_JOURNEYS), "ended"),
        Query(rate(names.LOAD_JOURNEYS, f'{names.LABEL_OUTCOME}="ok"'), "ended well"),
    )


def _in_flight() -> Panel:
    return lines(
        Head(
            "Journeys in flight",
            "By Little's law the rate of arrivals times their mean duration: it grows when the system gets slower, not the load.",
            units.NoUnit,
            empty=_NO_LOAD,
        ),
        Query(total(names.LOAD_IN_FLIGHT), "in flight"),
    )


def _lateness() -> Panel:
    return lines(
        Head(
            "Lateness of the generator",
            "How much later than intended journeys began. From 10 ms at the 99th percentile on, a run proves nothing.",
            units.Seconds,
            steps=thresholds.up_to(0.002, 0.01),
            empty=_NO_LOAD,
        ),
        Query(quantile(0.5, names.LOAD_LATENESS), "50th percentile"),
        Query(quantile(0.99, names.LOAD_LATENESS), "99th percentile"),
    )


def _outcomes() -> Panel:
    return lines(
        Head(
            "Journeys by outcome",
            "ok: as the customer wished; failed: answered otherwise; abandoned: the customer's patience ended first; "
            "error: no answer at all, such as from a gateway that is down, or never sent.",
            units.CountsPerSecond,
            empty=_NO_LOAD,
        ),
        Query(rate(names.LOAD_JOURNEYS, by=(names.LABEL_OUTCOME,)), "{{outcome}}"),
        stacked=True,
        colours=_COLOURS,
    )


def _steps() -> Panel:
    return lines(
        Head("Requests by step", "Requests of each journey's steps.", units.RequestsPerSecond, empty=_NO_LOAD),
        Query(rate(names.LOAD_REQUESTS, by=(JOURNEY, STEP)), "{{journey}}: {{step}}"),
    )


def _step_failures() -> Panel:
    by = (JOURNEY, STEP)
    failed = rate(names.LOAD_REQUESTS, f'{names.LABEL_OUTCOME}!="ok"', by=by)
    return lines(
        Head(
            "Failures by step",
            "The share of each step's requests that were not answered as the customer wished: where a journey breaks.",
            units.PercentUnit,
            steps=thresholds.ERRORS,
            empty=_NO_LOAD,
        ),
        Query(ratio(failed, rate(names.LOAD_REQUESTS, by=by)), "{{journey}}: {{step}}"),
    )
