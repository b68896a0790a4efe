"""How calls between services are protected: what each pattern of an edge did, and why."""

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import chaos_panels, golden, links, thresholds, uids, variables
from dashboards.head import Head, Query
from dashboards.page import Page, row
from dashboards.panels import lines
from dashboards.promql import INSTANCE, above_zero, equal, happened, or_none, quantile, rate, series, total
from observability import names

_EDGE: Final = equal(names.LABEL_EDGE, "$edge")
_FOREGROUND: Final = equal(names.LABEL_TRAFFIC, names.TRAFFIC_FOREGROUND)
_BY_EDGE: Final = (names.LABEL_EDGE,)
_BY_INSTANCE: Final = (INSTANCE,)


def page() -> Page:
    """The dashboard."""
    return Page(
        uid=uids.EDGE,
        title="Edge and resilience",
        question="What does a caller see of its callee, and which pattern did what about it?",
        variables=[
            variables.values_of("edge", "Edge", "A caller and its callee", metric=names.RESILIENCE_CALLS, label=names.LABEL_EDGE)
        ],
        rows=[
            row("All edges", 9, chaos_panels.breakers(), chaos_panels.edges_reached(), _amplification()),
            row("$edge: calls and attempts", 9, _calls(), _attempts(), _latency()),
            row("$edge: breaker, retries, budget", 9, chaos_panels.breakers(_EDGE), _retries(), _budget()),
            row("$edge: bulkhead, throttle, what was never sent", 9, _bulkhead(), _throttle(), _rejections()),
            row("$edge: hedges, ejections, fallbacks", 9, _hedges(), _ejections(), _fallbacks()),
        ],
    )


def _amplification() -> Panel:
    attempts = golden.attempts(_FOREGROUND, by=_BY_EDGE)
    calls = rate(names.RESILIENCE_CALLS, _FOREGROUND, by=_BY_EDGE)
    return lines(
        Head(
            "Attempts for each call",
            "1: every call is sent once. More: retries and hedges multiply the load. Less: calls end before they are sent.",
            units.NoUnit,
            steps=thresholds.up_to(1.2, 2),
            decimals=2,
            links=[links.to_edge()],
        ),
        Query(f"{attempts} / {calls}", "{{edge}}"),
    )


def _calls() -> Panel:
    return lines(
        Head(
            "Calls by outcome",
            "What callers got: ok, a fallback's answer, one kept from before, or why there was none. Retries are not counted.",
            units.RequestsPerSecond,
        ),
        Query(above_zero(rate(names.RESILIENCE_CALLS, _EDGE, by=(names.LABEL_OUTCOME,))), "{{outcome}}"),
        stacked=True,
        colours={"ok": "green", "fallback": "yellow", "cached": "blue"},
    )


def _attempts() -> Panel:
    return lines(
        Head(
            "Attempts by status",
            "What was sent and what came back: a status of HTTP, or the reason why none came. Compare with the calls beside.",
            units.RequestsPerSecond,
        ),
        Query(above_zero(golden.attempts(_EDGE, by=(names.LABEL_STATUS,))), "{{http_response_status_code}}"),
        stacked=True,
    )


def _latency() -> Panel:
    def of(q: float) -> str:
        return quantile(q, names.HTTP_CLIENT_DURATION, _EDGE)

    return lines(
        Head(
            "Attempts: how long they took",
            "As the caller sees it, until the answer, the timeout or the failure. A dot is one attempt; it leads to its trace.",
            units.Seconds,
            steps=thresholds.LATENCY_S,
        ),
        Query(of(0.5), "50th percentile", exemplars=True),
        Query(of(0.95), "95th percentile"),
        Query(of(0.99), "99th percentile"),
    )


def _retries() -> Panel:
    return lines(
        Head(
            "Retries",
            "granted, or why not: no attempt was left (max_attempts), the budget was spent, or the callee asked to wait longer.",
            units.CountsPerSecond,
            empty="Nothing to retry yet",
        ),
        Query(or_none(rate(names.RESILIENCE_RETRIES, _EDGE, by=(names.LABEL_DECISION,)), names.LABEL_DECISION), "{{decision}}"),
    )


def _budget() -> Panel:
    return lines(
        Head(
            "Tokens of the retry budget",
            "Left in each replica of the caller. Retries and hedges need more than half of the maximum.",
            units.NoUnit,
            empty="This edge has no budget",
        ),
        Query(total(series(names.RESILIENCE_BUDGET_TOKENS, _EDGE), _BY_INSTANCE, "min"), "{{instance}}"),
    )


def _bulkhead() -> Panel:
    return lines(
        Head(
            "Bulkhead",
            "Calls under way over the edge and calls that wait for a place, in each replica of the caller.",
            units.NoUnit,
            empty="This edge has no bulkhead",
        ),
        Query(total(series(names.RESILIENCE_BULKHEAD_IN_USE, _EDGE), _BY_INSTANCE), "in use, {{instance}}"),
        Query(total(series(names.RESILIENCE_BULKHEAD_WAITING, _EDGE), _BY_INSTANCE), "waiting, {{instance}}"),
    )


def _throttle() -> Panel:
    return lines(
        Head(
            "Throttle",
            "The probability that the next call is not sent, because too few of the last ones were accepted.",
            units.PercentUnit,
            steps=thresholds.up_to(0.01, 0.5),
            maximum=1,
            empty="This edge has no throttle",
        ),
        Query(total(series(names.RESILIENCE_THROTTLE_RATIO, _EDGE), _BY_INSTANCE, "max"), "{{instance}}"),
    )


def _rejections() -> Panel:
    return lines(
        Head(
            "Rejections",
            "Calls and attempts that a pattern did not let through, and that were never sent.",
            units.CountsPerSecond,
        ),
        Query(or_none(rate(names.RESILIENCE_REJECTIONS, _EDGE, by=(names.LABEL_PATTERN,)), names.LABEL_PATTERN), "{{pattern}}"),
    )


def _hedges() -> Panel:
    return lines(
        Head(
            "Hedges",
            "Second attempts at another replica, sent while the first one is late: which of the two won, and which were denied.",
            units.CountsPerSecond,
            empty="This edge has no hedge, or none was needed",
        ),
        Query(or_none(rate(names.RESILIENCE_HEDGES, _EDGE, by=(names.LABEL_OUTCOME,)), names.LABEL_OUTCOME), "{{outcome}}"),
    )


def _ejections() -> Panel:
    ejections = happened(names.RESILIENCE_EJECTIONS, _EDGE, by=(names.LABEL_REPLICA,))
    return lines(
        Head(
            "Ejected replicas",
            "Replicas of the callee that each replica of the caller leaves out now, and each moment at which one was.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
            empty="This edge ejects nobody",
        ),
        Query(total(series(names.RESILIENCE_EJECTED, _EDGE), _BY_INSTANCE, "max"), "left out by {{instance}}"),
        Query(or_none(ejections, names.LABEL_REPLICA), "{{replica}} was ejected"),
    )


def _fallbacks() -> Panel:
    return lines(
        Head(
            "Fallbacks",
            "Answers that the edge made itself because the callee gave none, by kind: cached, static, defer.",
            units.CountsPerSecond,
            empty="None was needed",
        ),
        Query(or_none(rate(names.RESILIENCE_FALLBACKS, _EDGE, by=(names.LABEL_KIND,)), names.LABEL_KIND), "{{kind}}"),
    )
