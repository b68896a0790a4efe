"""One service: what it is asked, how it answers, and what it has left."""

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import golden, links, service_use, tables, thresholds, uids, variables
from dashboards.head import Head, Query
from dashboards.page import Page, row
from dashboards.panels import heat, lines, number
from dashboards.promql import above_zero, equal, matching, or_zero, quantile, rate, series, total
from observability import names

_THIS: Final = equal(names.LABEL_SERVICE, "$service")
_ROUTE: Final = (names.LABEL_METHOD, names.LABEL_ROUTE)
_ROUTE_LEGEND: Final = "{{http_request_method}} {{http_route}}"
_TO_IT: Final = matching(names.LABEL_EDGE, ".+->$service")
_FROM_IT: Final = matching(names.LABEL_EDGE, "$service->.+")


def page() -> Page:
    """The dashboard."""
    return Page(
        uid=uids.SERVICE,
        title="Service",
        question="What is this service asked, how does it answer, and what does it lack?",
        variables=[
            variables.values_of(
                "service", "Service", "A service", metric=f"{names.HTTP_SERVER_DURATION}_count", label=names.LABEL_SERVICE
            )
        ],
        rows=[
            row("$service now", 4, _rate_now(), _errors_now(), _latency_now(), _up_now()),
            row("Rate, errors, duration by route", 9, _rate(), _errors(), _latency()),
            row("Duration of all requests", 9, _quantiles(), _heat()),
            row("Whom it serves and whom it needs", 9, _callers(), _callees()),
            *service_use.rows(_THIS),
            row("Traces", 9, _failed_traces(), _slow_traces()),
        ],
    )


def _rate_now() -> Panel:
    return number(
        Head("Requests", "Requests that it answers, on all replicas.", units.RequestsPerSecond, decimals=1),
        Query(or_zero(golden.requests(_THIS, by=())), "requests"),
    )


def _errors_now() -> Panel:
    return number(
        Head(
            "Errors",
            "The share of its answers that are its own fault.",
            units.PercentUnit,
            steps=thresholds.ERRORS,
            decimals=2,
        ),
        Query(golden.errors(_THIS, by=()), "errors"),
    )


def _latency_now() -> Panel:
    return number(
        Head("95th percentile", "Of the time that its answers take.", units.Seconds, steps=thresholds.LATENCY_S),
        Query(golden.latency(0.95, _THIS, by=()), "95th percentile"),
    )


def _up_now() -> Panel:
    return number(
        Head(
            "Replicas up",
            "Its processes that answer when Prometheus asks for their metrics.",
            units.NoUnit,
            steps=thresholds.SOME,
        ),
        Query(or_zero(total(series(names.UP, _THIS))), "up"),
    )


def _rate() -> Panel:
    return lines(
        Head("Requests", "Requests by route.", units.RequestsPerSecond),
        Query(above_zero(golden.requests(_THIS, by=_ROUTE)), _ROUTE_LEGEND),
        stacked=True,
    )


def _errors() -> Panel:
    return lines(
        Head(
            "Errors",
            "The share of each route's answers that are the service's own fault (5xx, or a connection cut without an answer).",
            units.PercentUnit,
            steps=thresholds.ERRORS,
        ),
        Query(golden.errors(_THIS, by=_ROUTE), _ROUTE_LEGEND),
    )


def _latency() -> Panel:
    return lines(
        Head(
            "Duration, 95th percentile",
            "How long answers take, by route. A dot is one request; it leads to its trace.",
            units.Seconds,
            steps=thresholds.LATENCY_S,
        ),
        Query(golden.latency(0.95, _THIS, by=_ROUTE), _ROUTE_LEGEND, exemplars=True),
    )


def _quantiles() -> Panel:
    return lines(
        Head("Quantiles", "Of the duration of all requests, on all replicas.", units.Seconds, steps=thresholds.LATENCY_S),
        Query(golden.latency(0.5, _THIS, by=()), "50th percentile"),
        Query(golden.latency(0.95, _THIS, by=()), "95th percentile"),
        Query(golden.latency(0.99, _THIS, by=()), "99th percentile"),
    )


def _heat() -> Panel:
    buckets = rate(f"{names.HTTP_SERVER_DURATION}_bucket", _THIS, by=("le",))
    return heat(
        Head(
            "How many requests took how long",
            "Two bands are two kinds of requests; a quantile between them is of none. A dot is a request and leads to its trace.",
            units.Seconds,
        ),
        Query(buckets, "{{le}}", exemplars=True),
    )


def _callers() -> Panel:
    return lines(
        Head(
            "Attempts of its callers that fail",
            "As they see it, by edge. Errors here and none above: the service is dead, too slow, or not reached.",
            units.PercentUnit,
            steps=thresholds.ERRORS,
            empty="Nobody calls it over an edge",
            links=[links.to_edge()],
        ),
        Query(golden.failed_attempts(_TO_IT), "{{edge}}"),
    )


def _callees() -> Panel:
    return lines(
        Head(
            "Its own attempts, 95th percentile",
            "How long its own attempts take, by edge: if one is slow, the culprit is further down.",
            units.Seconds,
            steps=thresholds.LATENCY_S,
            empty="It calls nobody over an edge",
            links=[links.to_edge()],
        ),
        Query(quantile(0.95, names.HTTP_CLIENT_DURATION, _FROM_IT, by=(names.LABEL_EDGE,)), "{{edge}}", exemplars=True),
    )


def _failed_traces() -> Panel:
    return tables.traces(
        Head("Traces with errors", "Its last traces in which something failed.", units.NoUnit, empty="No trace with an error"),
        service="$service",
        tags="error=true",
    )


def _slow_traces() -> Panel:
    return tables.traces(
        Head("Traces", "Its last traces, whatever became of them.", units.NoUnit, empty="No trace yet"),
        service="$service",
    )
