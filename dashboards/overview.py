"""The first look: is the system well, which part is not, and what was done to it."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import chaos_panels, golden, links, slo_panels, telemetry_panels, thresholds, uids
from dashboards.head import Head, Query
from dashboards.page import Column, Page, Row, row
from dashboards.panels import lines, number, service_graph
from dashboards.promql import INSTANCE, equal, or_zero, quantile, rate, series, total
from observability import names

_SERVICES = equal("job", "feastfast")


def page() -> Page:
    """The dashboard."""
    return Page(
        uid=uids.OVERVIEW,
        title="System overview",
        question="Is the system well, and if not, which part of it? Start here; a click on a series opens its service.",
        rows=[
            row("Now", 4, _requests_now(), _errors_now(), _latency_now(), _down_now(), _faults_now(), slo_panels.alerts_now()),
            row("What was done, and what was noticed", 9, chaos_panels.active_faults(), slo_panels.firing()),
            row("Golden signals", 9, _traffic(), _errors()),
            row("Golden signals: latency and saturation", 9, _latency(), _cpu(), _lag()),
            Row(
                "Who calls whom, and what was promised",
                [Column(14, [(14, _graph())]), Column(10, [(14, slo_panels.summary())])],
            ),
            row("Can this be believed?", 7, telemetry_panels.taken(), telemetry_panels.lost(), telemetry_panels.kept()),
        ],
    )


def _requests_now() -> Panel:
    return number(
        Head(
            "Requests",
            "Requests that all services answer, those among themselves included.",
            units.RequestsPerSecond,
            decimals=1,
        ),
        Query(or_zero(golden.requests(by=())), "requests"),
    )


def _errors_now() -> Panel:
    return number(
        Head(
            "Errors",
            "The share of all answers that are a server's own fault, wherever it happened.",
            units.PercentUnit,
            steps=thresholds.ERRORS,
            decimals=2,
        ),
        Query(golden.errors(by=()), "errors"),
    )


def _latency_now() -> Panel:
    return number(
        Head(
            "95th percentile",
            "Of the time that the slowest service needs for an answer.",
            units.Seconds,
            steps=thresholds.LATENCY_S,
        ),
        Query(total(golden.latency(0.95), function="max"), "95th percentile"),
    )


def _down_now() -> Panel:
    return number(
        Head(
            "Replicas down",
            "Processes of services that do not answer when Prometheus asks for their metrics: dead, paused or starting.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
        ),
        Query(or_zero(total(f"{series(names.UP, _SERVICES)} == 0", function="count")), "down"),
    )


def _faults_now() -> Panel:
    acting = total(f"{names.CHAOS_ACTIVE} > 0", (names.LABEL_FAULT, names.LABEL_PLACE), "max")
    return number(
        Head("Faults", "Faults in force now, wherever they act.", units.NoUnit, steps=thresholds.ANY_IS_BAD),
        Query(or_zero(total(acting, function="count")), "faults"),
    )


def _traffic() -> Panel:
    return lines(
        Head("Traffic", "Requests that each service answers.", units.RequestsPerSecond, links=[links.to_service()]),
        Query(golden.requests(), "{{service}}"),
    )


def _errors() -> Panel:
    return lines(
        Head(
            "Errors",
            "The share of each service's answers that are its own fault (5xx, or a connection cut without an answer).",
            units.PercentUnit,
            steps=thresholds.ERRORS,
            links=[links.to_service()],
        ),
        Query(golden.errors(), "{{service}}"),
    )


def _latency() -> Panel:
    return lines(
        Head(
            "Latency, 95th percentile",
            "How long each service's answers take. A dot is one request; it leads to its trace.",
            units.Seconds,
            steps=thresholds.LATENCY_S,
            links=[links.to_service()],
        ),
        Query(golden.latency(0.95), "{{service}}", exemplars=True),
    )


def _cpu() -> Panel:
    return lines(
        Head(
            "Processor",
            "Cores that each service's busiest replica keeps busy; it is one thread of Python and cannot use more than one.",
            units.PercentUnit,
            steps=thresholds.SATURATION,
            links=[links.to_service()],
        ),
        Query(
            total(
                rate("process_cpu_seconds_total", _SERVICES, by=(names.LABEL_SERVICE, INSTANCE)), (names.LABEL_SERVICE,), "max"
            ),
            "{{service}}",
        ),
    )


def _lag() -> Panel:
    return lines(
        Head(
            "Event-loop lag, 99th percentile",
            "How much later than asked for a timer is called: everything that a service does waits as long.",
            units.Seconds,
            steps=thresholds.LAG_S,
            links=[links.to_service()],
        ),
        Query(quantile(0.99, names.LOOP_LAG, by=(names.LABEL_SERVICE,)), "{{service}}"),
    )


def _graph() -> Panel:
    return service_graph(
        Head(
            "Service graph",
            "Who called whom how often in the time that is shown, as the traces tell.",
            units.Short,
            empty="No trace of a call yet",
        )
    )
