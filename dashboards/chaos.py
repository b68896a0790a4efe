"""What a fault did: where it acts, how far it reaches, what held it back, and whether somebody was told."""

from typing import Final

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards import chaos_panels, golden, links, slo_panels, thresholds, uids
from dashboards.head import Head, Query
from dashboards.page import Page, row
from dashboards.panels import bars, lines
from dashboards.promql import JOURNEY, happened, or_none, or_zero, rate, series, total
from observability import names

_SLOWER: Final = thresholds.up_to(1.5, 3)
_USUAL: Final = "$__range:$__interval"
"""A subquery over the whole time that is shown, of as many points as a panel is wide."""


def page() -> Page:
    """The dashboard."""
    return Page(
        uid=uids.CHAOS,
        title="Chaos experiment",
        question="Did the fault act, how far did it reach, what held it back, and was somebody told?",
        rows=[
            row("The fault", 8, chaos_panels.active_faults(), _injections(), _replicas()),
            row("What customers saw", 9, chaos_panels.journey_success(), chaos_panels.journey_latency()),
            row(
                "How far it reached",
                9,
                chaos_panels.journeys_reached(),
                chaos_panels.services_reached(),
                chaos_panels.edges_reached(),
            ),
            row("Slower than usual, now", 8, _slower_journeys(), _slower_services()),
            row("What held it back", 9, chaos_panels.breakers(), _fallbacks(), _not_sent()),
            row("What is still to be done, and who was told", 8, _open_work(), slo_panels.firing()),
        ],
    )


def _injections() -> Panel:
    by = (names.LABEL_FAULT, names.LABEL_TARGET)
    return lines(
        Head(
            "Injections",
            "Requests that a fault hit, by the fault and where it was put: whether it bit, and as often as it was asked to.",
            units.CountsPerSecond,
            empty="Nothing was injected",
        ),
        Query(or_none(rate(names.CHAOS_INJECTIONS, by=by), *by), "{{fault}} at {{target}}"),
    )


def _replicas() -> Panel:
    by = (names.LABEL_SERVICE, names.LABEL_STATE)
    away = series(names.TESTBED_REPLICAS, f'{names.LABEL_STATE}!="up"')
    return lines(
        Head(
            "Replicas that are not up",
            "As the supervisor knows them, by what they are instead: down, starting or paused.",
            units.NoUnit,
            steps=thresholds.ANY_IS_BAD,
            empty="No supervisor tells",
            links=[links.to_service()],
        ),
        Query(or_none(total(away, by), *by), "{{service}}: {{state}}"),
        Query(or_none(happened(names.TESTBED_RESTARTS, by=by[:1]), *by[:1]), "{{service}}: restarted"),
    )


def _against_usual(latency: str) -> str:
    return f"{latency} / quantile_over_time(0.5, ({latency})[{_USUAL}])"


def _slower_journeys() -> Panel:
    return bars(
        Head(
            "Journeys",
            "The 95th percentile of each journey now, as a multiple of its own median in the time that is shown.",
            "suffix: x",
            steps=_SLOWER,
            decimals=1,
            empty="No load",
        ),
        Query(_against_usual(golden.journey_latency(0.95, by=(JOURNEY,))), "{{journey}}"),
    )


def _slower_services() -> Panel:
    return bars(
        Head(
            "Services",
            "The 95th percentile of each service's answers now, as a multiple of its own median in the time that is shown.",
            "suffix: x",
            steps=_SLOWER,
            decimals=1,
            empty="No request",
            links=[links.to_service()],
        ),
        Query(_against_usual(golden.latency(0.95, by=(names.LABEL_SERVICE,))), "{{service}}"),
    )


def _fallbacks() -> Panel:
    by = (names.LABEL_EDGE, names.LABEL_KIND)
    return lines(
        Head(
            "Fallbacks",
            "Answers that an edge made itself because its callee gave none.",
            units.CountsPerSecond,
            empty="None was needed",
            links=[links.to_edge()],
        ),
        Query(or_none(rate(names.RESILIENCE_FALLBACKS, by=by), *by), "{{edge}}: {{kind}}"),
    )


def _not_sent() -> Panel:
    by = (names.LABEL_PATTERN,)
    return lines(
        Head(
            "Never sent, and shed",
            "Calls that a breaker, bulkhead or throttle rejected, retries that were denied, and requests that a limit left out.",
            units.CountsPerSecond,
            empty="Nothing was rejected",
        ),
        Query(or_none(rate(names.RESILIENCE_REJECTIONS, by=by), *by), "rejected by {{pattern}}"),
        Query(or_zero(rate(names.RESILIENCE_RETRIES, f'{names.LABEL_DECISION}!="granted"')), "retries denied"),
        Query(or_zero(rate(names.RESILIENCE_SHED)), "shed"),
    )


def _open_work() -> Panel:
    waiting = total(total(names.OUTBOX_PENDING, (names.LABEL_SERVICE, names.LABEL_DESTINATION), "max"))
    return lines(
        Head(
            "Work to catch up with",
            "Orders neither done nor undone, events that wait, and replicas that are left out: all fall to 0 after a fault.",
            units.NoUnit,
        ),
        Query(total(total(names.SAGAS_OPEN, (names.LABEL_SERVICE,), "max")), "open sagas"),
        Query(waiting, "events waiting"),
        Query(or_zero(total(total(names.RESILIENCE_EJECTED, (names.LABEL_EDGE,), "max"))), "replicas left out"),
        Query(total(names.RESILIENCE_POLICY_LEASES, function="max"), "policy changes in force"),
    )
