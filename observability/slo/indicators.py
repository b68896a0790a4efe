"""Service level indicators in PromQL: how much was asked in a window, and how much of it went wrong.

A journey is judged by what the entry answers to its steps, and the entry by all of its routes. Every other service is judged by
what its callers saw: they have seen each of its answers, and also those that never came. docs/slo.md says what counts, and why.

Two steps, because the first is the dear one: rates of all requests and attempts in a window (`traffic`), and the few of them that
make up one indicator.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from observability import names
from observability.request_metrics import NO_ROUTE
from observability.slo.dependencies import call_edges
from observability.slo.loader import Slos
from observability.slo.model import Kind, Slo
from observability.slo.windows import prometheus_duration
from services.policy import Pattern
from services.topology import split_edge

ANSWERED = "[1-3]..|4[013-9].|42[0-8]"
"""Statuses of a request that got what it was due, be it a refusal: all below 500 but 429, which turns away who was due more."""
UNANSWERED = "0"
"""The status of a server whose caller left before the answer."""
_SPARED = f"{Pattern.BREAKER}|{Pattern.THROTTLE}"
"""Patterns that do not send a call because of what the callee did to those before it."""
_CUT = f"{names.CANCELLED}|deadline"
"""How an attempt ends that its caller cut short, be it for want of time that others have spent."""
_NOBODY = "unreachable"
"""The outcome of a call that found no process to be sent to. One whose connections were refused has it, too, and counts twice."""
_LE = "le"  # Prometheus' own label of a histogram's boundary.
_REQUEST = "request"
"""Method and route in one label, as slo.yaml writes them."""


@dataclass(frozen=True)
class Indicator:
    """Expressions without labels: events a second in a window, and those that went wrong; zero where nothing was asked."""

    events: str
    bad: str


@dataclass(frozen=True)
class _Source:
    """Whose word counts.

    Attributes:
        counted: What `traffic` recorded of all its requests.
        within: And of those that took no longer than a boundary.
        selector: Of its series.
        silent: The statuses of a request that whoever sent it left before the answer.
        spared: What was recorded of calls that were not sent for the callee's sake; empty where there is none.
    """

    counted: str
    within: str
    selector: str
    silent: str
    spared: str = ""


def traffic(slos: Slos, window_s: int) -> Iterator[tuple[str, str]]:
    """Name and expression of what is recorded once for all indicators of a window."""
    span = prometheus_duration(window_s)
    boundaries = "|".join(sorted({re.escape(_boundary(slo)) for slo in slos.every})).replace("\\", "\\\\")
    asked = f"{names.LABEL_SERVICE}, {names.LABEL_METHOD}, {names.LABEL_ROUTE}, {names.LABEL_STATUS}"
    as_request = f'"{_REQUEST}", " ", "{names.LABEL_METHOD}", "{names.LABEL_ROUTE}"'
    foreground = f'{names.LABEL_TRAFFIC}="{names.TRAFFIC_FOREGROUND}"'
    sent = f"{names.LABEL_EDGE}, {names.LABEL_STATUS}"
    server, client, within = names.HTTP_SERVER_DURATION, names.HTTP_CLIENT_DURATION, f'{_LE}=~"{boundaries}"'
    # What strangers make up is no request of anybody's; left out of both, or their quick 404 would make up for slow answers.
    routed = f'{names.LABEL_ROUTE}!="{NO_ROUTE}"'
    yield (
        f"{names.SLO_REQUESTS}{span}",
        f"label_join(sum by ({asked}) (rate({server}_count{{{routed}}}[{span}])), {as_request})",
    )
    yield (
        f"{names.SLO_REQUESTS_WITHIN}{span}",
        f"label_join(sum by ({asked}, {_LE}) (rate({server}_bucket{{{routed},{within}}}[{span}])), {as_request})",
    )
    yield f"{names.SLO_ATTEMPTS}{span}", f"sum by ({sent}) (rate({client}_count{{{foreground}}}[{span}]))"
    yield (
        f"{names.SLO_ATTEMPTS_WITHIN}{span}",
        f"sum by ({sent}, {_LE}) (rate({client}_bucket{{{foreground},{within}}}[{span}]))",
    )
    refused = f'{names.RESILIENCE_REJECTIONS}{{{names.LABEL_PATTERN}=~"{_SPARED}"}}[{span}]'
    nobody = f'{names.RESILIENCE_CALLS}{{{names.LABEL_OUTCOME}="{_NOBODY}",{foreground}}}[{span}]'
    yield f"{names.SLO_SPARED}{span}", f"sum by ({names.LABEL_EDGE}) (rate({refused}) or rate({nobody}))"


def indicator(slo: Slo, slos: Slos, window_s: int) -> Indicator:
    """The indicator of one objective over one window, of what `traffic` recorded."""
    source = _source(slo, slos, prometheus_duration(window_s))
    fast = f'{_LE}="{_boundary(slo)}"'
    answered, silent = f'{names.LABEL_STATUS}=~"{ANSWERED}"', f'{names.LABEL_STATUS}=~"{source.silent}"'
    if slo.kind is Kind.LATENCY:
        events = _sum(source.counted, source.selector, answered)
        return Indicator(events, f"{events} - {_sum(source.within, source.selector, answered, fast)}")
    waited = f"({_sum(source.counted, source.selector, silent)} - {_sum(source.within, source.selector, silent, fast)})"
    told = _sum(source.counted, source.selector, f'{names.LABEL_STATUS}!~"{source.silent}"')
    wrong = _sum(source.counted, source.selector, f'{names.LABEL_STATUS}!~"{ANSWERED}|{source.silent}"')
    spared = [source.spared] if source.spared else []
    return Indicator("\n+ ".join([told, waited, *spared]), "\n+ ".join([wrong, waited, *spared]))


def _source(slo: Slo, slos: Slos, span: str) -> _Source:
    edges = tuple(edge for edge in call_edges(slos.topology) if split_edge(edge)[1] == slo.subject)
    if slo.scope == "service" and edges:
        over = f'{names.LABEL_EDGE}=~"{"|".join(edges)}"'
        spared = _sum(f"{names.SLO_SPARED}{span}", over)
        return _Source(f"{names.SLO_ATTEMPTS}{span}", f"{names.SLO_ATTEMPTS_WITHIN}{span}", over, _CUT, spared)
    asked = f'{names.LABEL_SERVICE}="{slo.subject}"'
    if slo.scope == "journey":
        steps = "|".join(re.escape(step).replace("\\ ", " ") for step in slos.journeys[slo.subject].steps.values())
        asked = f'{names.LABEL_SERVICE}="{slos.topology.entry}",{_REQUEST}=~"{steps}"'.replace("\\", "\\\\")
    return _Source(f"{names.SLO_REQUESTS}{span}", f"{names.SLO_REQUESTS_WITHIN}{span}", asked, UNANSWERED)


def _boundary(slo: Slo) -> str:
    """As the client library writes it: with a point, always."""
    return str(float(slo.threshold_s))


def _sum(series: str, *matchers: str) -> str:
    """Zero when there is no such series: one that counts failures is born with the first of them."""
    return f"(sum({series}{{{','.join(matchers)}}}) or vector(0))"
