"""What a pattern decided is seen: in the trace, in the metrics and, when it is rare, in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from observability import names
from services.kit.decisions import TelemetrySink
from services.kit.resilience.decision import Decision, Verb

if TYPE_CHECKING:
    from tests.services.kit.conftest import Watched

EDGE = "shop->bank"


def decide(watched: Watched, verb: Verb, detail: str, reason: str = "timeout") -> None:
    """Inside of a request's span, as decisions are."""
    with watched.telemetry.tracer.start_as_current_span("request"):
        TelemetrySink(watched.telemetry.metrics).decided(Decision(EDGE, verb, detail, reason))


@pytest.mark.parametrize(
    ("verb", "detail", "event"),
    [
        (Verb.RETRY, "attempt 2", "resilience.retry"),
        (Verb.RETRY_DENIED, "budget", "resilience.retry_denied"),
        (Verb.BREAKER, "open", "resilience.breaker"),
        (Verb.HEDGE, "sent", "resilience.hedge"),
        (Verb.WAITED, "bulkhead", "resilience.waited"),
        (Verb.EJECTED, "bank/1", "resilience.ejected"),
        (Verb.READMITTED, "bank/1", "resilience.readmitted"),
        (Verb.REJECTED, "breaker", "resilience.rejected"),
        (Verb.CACHED, "fresh", "resilience.cached"),
        (Verb.FALLBACK, "static", "resilience.fallback"),
    ],
)
def test_every_decision_is_an_event_that_says_where_what_and_why(watched: Watched, verb: Verb, detail: str, event: str) -> None:
    decide(watched, verb, detail)
    ((found,),) = [span.events for span in watched.spans]
    assert found.name == event
    assert dict(found.attributes or {}) == {names.ATTR_EDGE: EDGE, names.ATTR_REASON: "timeout", "decision": detail}


@pytest.mark.parametrize(
    ("verb", "detail", "decision"),
    [(Verb.RETRY, "attempt 2", "granted"), (Verb.RETRY_DENIED, "budget", "budget")],
)
def test_retries_are_counted_by_what_was_decided(watched: Watched, verb: Verb, detail: str, decision: str) -> None:
    decide(watched, verb, detail)
    assert watched.metric(names.RESILIENCE_RETRIES, edge=EDGE, decision=decision) == 1


@pytest.mark.parametrize("state", ["closed", "half-open", "open"])
def test_changes_of_a_breakers_state_are_counted(watched: Watched, state: str) -> None:
    decide(watched, Verb.BREAKER, state)
    assert watched.metric(names.RESILIENCE_BREAKER_TRANSITIONS, edge=EDGE, to=state) == 1


def test_a_breakers_change_is_worth_a_line_in_the_log(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        decide(watched, Verb.BREAKER, "open", "was closed")
    assert [record.getMessage() for record in caplog.records] == ["breaker of shop->bank is open (was closed)"]


def test_a_retry_is_not(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        decide(watched, Verb.RETRY, "attempt 2")
    assert caplog.records == []


def test_a_fallback_marks_the_request_as_degraded_and_is_counted(watched: Watched) -> None:
    decide(watched, Verb.FALLBACK, "static")
    (span,) = watched.spans
    assert (span.attributes or {})[names.ATTR_DEGRADED] == "static"
    assert watched.metric(names.RESILIENCE_FALLBACKS, edge=EDGE, kind="static") == 1


@pytest.mark.parametrize("pattern", ["throttle", "bulkhead", "breaker"])
def test_rejections_are_counted_by_who_rejects(watched: Watched, pattern: str) -> None:
    decide(watched, Verb.REJECTED, pattern)
    assert watched.metric(names.RESILIENCE_REJECTIONS, edge=EDGE, pattern=pattern) == 1


def test_hedges_are_counted_by_what_became_of_them(watched: Watched) -> None:
    decide(watched, Verb.HEDGE, "won")
    assert watched.metric(names.RESILIENCE_HEDGES, edge=EDGE, outcome="won") == 1


def test_a_replica_that_is_left_out_is_counted_and_worth_a_line(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        decide(watched, Verb.EJECTED, "bank/1", "5 failures in a row")
        decide(watched, Verb.READMITTED, "bank/1", "its time is over")
    assert watched.metric(names.RESILIENCE_EJECTIONS, edge=EDGE, replica="bank/1") == 1
    assert [record.getMessage() for record in caplog.records] == [
        "shop->bank leaves out bank/1 (5 failures in a row)",
        "shop->bank takes bank/1 in again (its time is over)",
    ]


def test_outside_of_any_request_a_decision_is_counted_all_the_same(watched: Watched) -> None:
    TelemetrySink(watched.telemetry.metrics).decided(Decision(EDGE, Verb.RETRY, "attempt 2", "timeout"))
    assert watched.metric(names.RESILIENCE_RETRIES, edge=EDGE, decision="granted") == 1


def test_what_is_counted_leads_to_the_trace_in_which_it_was_decided(watched: Watched) -> None:
    decide(watched, Verb.REJECTED, "breaker")
    ((exemplar,), (span,)) = [
        [
            sample.exemplar
            for family in watched.telemetry.metrics.registry.collect()
            for sample in family.samples
            if sample.name == names.RESILIENCE_REJECTIONS
        ],
        watched.spans,
    ]
    assert span.context is not None
    assert exemplar is not None
    assert exemplar.labels == {"trace_id": f"{span.context.trace_id:032x}"}
