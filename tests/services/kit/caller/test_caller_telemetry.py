"""What a call to another service leaves in traces and metrics."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from observability import names, request_id
from services.kit.caller import Caller, Offer
from services.kit.errors import BreakerOpenError, CallError, RemoteError, UnreachableError
from services.kit.message import Outgoing, Reply
from services.policy import UNPROTECTED, FallbackKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.services.kit.caller.conftest import Shop
    from tests.services.kit.conftest import Tools

EDGE = "shop->bank"
DOWN = UnreachableError(EDGE, "no connection")
BUSY = RemoteError(EDGE, 503, "busy")
LOOK = Outgoing("GET", "/accounts/7", "/accounts/{id}")
STATIC = Offer(FallbackKind.STATIC, lambda error: f"instead of {error.reason}")


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    assert span.attributes is not None
    return span.attributes


def test_every_attempt_is_a_span_and_the_second_says_that_it_is_one(shop: Shop) -> None:
    shop.call({"retry": {"max_attempts": 3}}, BUSY, DOWN, Reply(200, b"fine"))
    assert [span.kind for span in shop.watched.spans] == [SpanKind.CLIENT] * 3
    assert [attributes(span).get(names.ATTR_RESEND_COUNT) for span in shop.watched.spans] == [None, 1, 2]


def test_a_span_says_what_was_asked_of_whom(shop: Shop) -> None:
    shop.call({}, Reply(201, b"fine"))
    (span,) = shop.watched.spans
    (sent,) = shop.transport.sent
    port = 9_000 + int(sent.instance[-1])
    assert span.name == "GET /accounts/{id}"
    assert dict(attributes(span)) == {
        "http.request.method": "GET",
        "url.full": f"http://127.0.0.1:{port}/accounts/7",
        "server.address": "127.0.0.1",
        "server.port": port,
        "firebreak.edge": EDGE,
        "http.response.status_code": 201,
    }
    assert span.status.status_code is StatusCode.UNSET


def test_the_span_of_a_server_error_has_its_status(shop: Shop) -> None:
    shop.failing_call({}, BUSY)
    (span,) = shop.watched.spans
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span)[names.ATTR_STATUS] == 503
    assert attributes(span)[names.ATTR_ERROR_TYPE] == "503"


def test_the_span_of_an_attempt_without_an_answer_has_the_reason_instead(shop: Shop) -> None:
    shop.failing_call({}, DOWN)
    (span,) = shop.watched.spans
    assert span.status.status_code is StatusCode.ERROR
    assert names.ATTR_STATUS not in attributes(span)
    assert attributes(span)[names.ATTR_ERROR_TYPE] == "unreachable"


def test_spans_are_children_of_the_request_they_serve(shop: Shop) -> None:
    with shop.watched.telemetry.tracer.start_as_current_span("server") as server:
        shop.call({"retry": {}}, DOWN, Reply(200, b"fine"))
    parents = [span.parent.span_id for span in shop.watched.spans if span.parent]
    assert parents == [server.get_span_context().span_id] * 2


@pytest.mark.parametrize(("current", "sent_on"), [("mine", "mine"), ("", None)])
def test_an_attempt_carries_the_id_of_the_request_that_it_serves(shop: Shop, current: str, sent_on: str | None) -> None:
    token = request_id.current.set(current)
    try:
        shop.call({}, Reply(200, b"fine"))
    finally:
        request_id.current.reset(token)
    assert shop.transport.sent[0].headers.get("X-Request-Id") == sent_on


def test_a_rejection_makes_no_span_of_its_own(shop: Shop, tools: Tools) -> None:
    caller = shop.caller({"breaker": {"fail_max": 1}}, BUSY)

    async def two_calls() -> None:
        for expected in (RemoteError, BreakerOpenError):
            with pytest.raises(expected):
                await caller.call("bank", LOOK, lambda reply: reply)

    tools.run_virtually(two_calls())
    assert len(shop.watched.spans) == 1


def test_attempts_are_timed_by_edge_and_by_what_came_of_them(shop: Shop) -> None:
    shop.call({"retry": {"max_attempts": 3}}, BUSY, DOWN, Reply(200, b"fine"))
    for status in ("503", "unreachable", "200"):
        labels = {names.LABEL_EDGE: EDGE, names.LABEL_STATUS: status, "traffic": "foreground"}
        assert shop.watched.metric(f"{names.HTTP_CLIENT_DURATION}_count", **labels) == 1


def test_a_call_is_counted_once_however_many_attempts_it_took(shop: Shop) -> None:
    shop.call({"retry": {}}, BUSY, Reply(200, b"fine"))
    assert shop.watched.metric(names.RESILIENCE_CALLS, edge=EDGE, outcome="ok", traffic="foreground") == 1
    assert shop.watched.metric(names.RESILIENCE_RETRIES, edge=EDGE, decision="granted") == 1


def test_calls_that_nobody_waits_for_are_told_apart_and_leave_the_gauges_alone(shop: Shop, tools: Tools) -> None:
    shop.caller({"retry": {}, "budget": {"max_tokens": 7}})
    relay = Caller(
        "shop", {"bank": UNPROTECTED}, shop, shop.transport, shop.watched.telemetry, random.Random(7), names.TRAFFIC_BACKGROUND
    )
    tools.run_virtually(relay.call("bank", LOOK, lambda reply: reply))
    labels = {names.LABEL_EDGE: EDGE, names.LABEL_STATUS: "200", names.LABEL_TRAFFIC: "background"}
    assert shop.watched.metric(f"{names.HTTP_CLIENT_DURATION}_count", **labels) == 1
    assert shop.watched.metric(names.RESILIENCE_CALLS, edge=EDGE, outcome="ok", traffic="background") == 1
    assert shop.watched.metric(names.RESILIENCE_BUDGET_TOKENS, edge=EDGE) == 7


@pytest.mark.parametrize(("error", "outcome"), [(BUSY, "remote_error"), (DOWN, "unreachable")])
def test_a_call_that_failed_is_counted_by_its_reason(shop: Shop, error: CallError, outcome: str) -> None:
    shop.failing_call({}, error)
    assert shop.watched.metric(names.RESILIENCE_CALLS, edge=EDGE, outcome=outcome, traffic="foreground") == 1


def test_an_attempt_that_its_calls_deadline_cut_says_so(shop: Shop, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*arguments: object) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    caller = shop.caller({"deadline": "100ms"})
    monkeypatch.setattr(shop.transport, "send", hang)
    with pytest.raises(CallError):
        tools.run_virtually(caller.call("bank", LOOK, lambda reply: reply))
    labels = {names.LABEL_EDGE: EDGE, names.LABEL_STATUS: "deadline", "traffic": "foreground"}
    assert shop.watched.metric(f"{names.HTTP_CLIENT_DURATION}_count", **labels) == 1
    assert shop.watched.metric(names.RESILIENCE_CALLS, edge=EDGE, outcome="deadline", traffic="foreground") == 1
    (span,) = shop.watched.spans
    assert (span.status.status_code, attributes(span)[names.ATTR_ERROR_TYPE]) == (StatusCode.ERROR, "deadline")


def test_an_attempt_whose_caller_is_gone_is_nobodys_fault(shop: Shop, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*arguments: object) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> None:
        call = asyncio.ensure_future(caller.call("bank", LOOK, lambda reply: reply))
        await tools.settle()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    caller = shop.caller({"deadline": "100ms"})
    monkeypatch.setattr(shop.transport, "send", hang)
    tools.run_virtually(scenario())
    (span,) = shop.watched.spans
    assert (span.status.status_code, attributes(span)[names.ATTR_ERROR_TYPE]) == (StatusCode.UNSET, "cancelled")
    assert shop.watched.metric(names.RESILIENCE_CALLS, edge=EDGE, outcome="cancelled", traffic="foreground") == 1
