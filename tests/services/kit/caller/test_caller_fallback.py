"""Who answers when the callee cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from observability import names
from services.kit.caller import Offer
from services.kit.errors import RemoteError
from services.kit.message import Outgoing, Reply
from services.policy import FallbackKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.services.kit.caller.conftest import Shop
    from tests.services.kit.conftest import Tools

EDGE = "shop->bank"
BUSY = RemoteError(EDGE, 503, "busy")
LOOK = Outgoing("GET", "/accounts/7", "/accounts/{id}")
STATIC = Offer(FallbackKind.STATIC, lambda error: f"instead of {error.reason}")


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    assert span.attributes is not None
    return span.attributes


def test_a_fallback_answers_when_it_is_declared_and_offered(shop: Shop) -> None:
    assert shop.call({"fallback": {"kind": "static"}}, BUSY, offer=STATIC) == "instead of remote_error"


def test_a_fallback_that_was_not_offered_answers_nothing(shop: Shop) -> None:
    assert shop.failing_call({"fallback": {"kind": "static"}}, BUSY) is BUSY


def test_a_fallback_that_was_not_declared_answers_nothing(shop: Shop) -> None:
    assert shop.failing_call({}, BUSY, offer=STATIC) is BUSY


def test_a_fallback_of_another_kind_answers_nothing(shop: Shop) -> None:
    assert shop.failing_call({"fallback": {"kind": "defer"}}, BUSY, offer=STATIC) is BUSY


def test_a_fallback_is_not_asked_when_the_call_succeeds(shop: Shop) -> None:
    assert shop.call({"fallback": {"kind": "static"}}, Reply(200, b"fine"), offer=STATIC) == "fine"


def test_a_fallback_stands_outside_of_the_breaker(shop: Shop, tools: Tools) -> None:
    caller = shop.caller({"fallback": {"kind": "static"}, "breaker": {"fail_max": 1}}, BUSY)

    async def two_calls() -> list[str]:
        return [await caller.call("bank", LOOK, lambda reply: "fine", STATIC) for _ in range(2)]

    assert tools.run_virtually(two_calls()) == ["instead of remote_error", "instead of breaker_open"]
    assert len(shop.replicas) == 1


def test_a_fallback_does_not_hide_a_refusal_or_a_bug_in_parsing(shop: Shop, tools: Tools) -> None:
    def refuse(reply: Reply) -> str:
        raise ValueError("not what we asked for")

    caller = shop.caller({"fallback": {"kind": "static"}}, Reply(409, b""))
    with pytest.raises(ValueError, match="not what we asked for"):
        tools.run_virtually(caller.call("bank", LOOK, refuse, STATIC))


def test_an_answer_from_a_fallback_marks_the_request_and_is_counted(shop: Shop) -> None:
    with shop.watched.telemetry.tracer.start_as_current_span("server"):
        shop.call({"fallback": {"kind": "static"}}, BUSY, offer=STATIC)
    server = shop.watched.spans[-1]
    assert attributes(server)[names.ATTR_DEGRADED] == "static"
    assert [event.name for event in server.events] == [names.EVENT_FALLBACK]
    assert shop.watched.metric(names.RESILIENCE_FALLBACKS, edge=EDGE, kind="static") == 1
    assert shop.watched.metric(names.RESILIENCE_CALLS, edge=EDGE, outcome="fallback", traffic="foreground") == 1
