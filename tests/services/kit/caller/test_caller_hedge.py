"""A hedge is an attempt like any other: elsewhere, with a span of its own, in the same trace."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from opentelemetry.trace import StatusCode

from observability import names
from services.kit.errors import AttemptTimeoutError, CallError
from services.kit.message import Outgoing, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.policy import Timeout
    from services.registry import Instance
    from tests.services.kit.caller.conftest import Shop
    from tests.services.kit.conftest import Tools

EDGE = "shop->bank"
LOOK = Outgoing("GET", "/accounts/7", "/accounts/{id}")
HEDGED = {"hedge": {"delay": "100ms"}}


class Slow:
    """A transport whose first answer takes a second, and every other one 10 ms."""

    def __init__(self, *delays_s: float) -> None:
        self._delays_s = list(delays_s or (1.0, 0.01))
        self.replicas: list[str] = []

    async def send(
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        self.replicas.append(instance.name)
        await asyncio.sleep(self._delays_s[min(len(self.replicas), len(self._delays_s)) - 1])
        return Reply(200, instance.name.encode())


@pytest.fixture
def slow(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow()
    monkeypatch.setattr(shop.transport, "send", slow.send)
    return slow


def test_a_late_read_is_hedged_at_another_replica(shop: Shop, slow: Slow) -> None:
    answered = shop.call(HEDGED)
    first, second = slow.replicas
    assert first != second == answered
    assert shop.watched.metric(names.RESILIENCE_HEDGES, edge=EDGE, outcome="sent") == 1
    assert shop.watched.metric(names.RESILIENCE_HEDGES, edge=EDGE, outcome="won") == 1


def test_a_hedge_and_what_lost_to_it_are_spans_of_one_trace(shop: Shop, slow: Slow) -> None:
    with shop.watched.telemetry.tracer.start_as_current_span("server") as server:
        shop.call(HEDGED)
    hedge, lost, served = shop.watched.spans
    for span in (hedge, lost):
        assert span.parent is not None
        assert span.parent.span_id == server.get_span_context().span_id
    assert (hedge.attributes or {})[names.ATTR_RESEND_COUNT] == 1
    assert (lost.attributes or {})[names.ATTR_ERROR_TYPE] == "cancelled"
    assert lost.status.status_code is StatusCode.UNSET
    told = [(event.name, (event.attributes or {})["decision"]) for event in served.events]
    assert told == [("resilience.hedge", "sent"), ("resilience.hedge", "won")]


def test_with_one_replica_up_no_hedge_is_sent(shop: Shop, slow: Slow) -> None:
    shop.up = [(1,)]
    shop.call(HEDGED)
    assert slow.replicas == ["bank/1"]


def test_a_call_that_changes_something_is_never_hedged(shop: Shop, slow: Slow) -> None:
    shop.call(HEDGED, outgoing=Outgoing("PUT", "/accounts/7", "/accounts/{id}", b"{}", idempotency_key="k"))
    assert len(slow.replicas) == 1


def test_an_attempt_ends_at_its_timeout(shop: Shop, tools: Tools, slow: Slow) -> None:
    async def scenario() -> float:
        begun_s = asyncio.get_running_loop().time()
        with pytest.raises(AttemptTimeoutError, match=r"shop->bank: no answer from bank/\d in time"):
            await shop.caller({"timeout": {"attempt": "250ms"}}).call("bank", LOOK, lambda reply: reply)
        return asyncio.get_running_loop().time() - begun_s

    assert tools.run_virtually(scenario()) == pytest.approx(0.25)
    (span,) = shop.watched.spans
    assert (span.attributes or {})[names.ATTR_ERROR_TYPE] == "timeout"


def test_an_attempt_that_timed_out_is_followed_by_one_elsewhere(shop: Shop, slow: Slow) -> None:
    shop.call({"timeout": {"attempt": "250ms"}, "retry": {}})
    first, second = slow.replicas
    assert first != second


def test_a_replica_that_keeps_timing_out_is_left_out_and_no_hedge_goes_there(
    shop: Shop, tools: Tools, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sick(edge: str, instance: Instance, *rest: object) -> Reply:
        slow.replicas.append(instance.name)
        await asyncio.sleep(1 if instance.replica == 1 else 0.2)
        return Reply(200, b"")

    async def calls() -> None:
        for _ in range(20):
            with suppress(CallError):
                await caller.call("bank", LOOK, lambda reply: reply)

    monkeypatch.setattr(shop.transport, "send", sick)
    policy = {"timeout": {"attempt": "500ms", "connect": "250ms"}, "outlier_ejection": {"consecutive_failures": 2}}
    caller = shop.caller(policy)
    tools.run_virtually(calls())
    assert shop.watched.metric(names.RESILIENCE_EJECTIONS, edge=EDGE, replica="bank/1") == 1
    assert shop.watched.metric(names.RESILIENCE_EJECTED, edge=EDGE) == 1
    slow.replicas.clear()
    caller.adopt("bank", caller.policy("bank").model_validate({**policy, **HEDGED}))
    tools.run_virtually(caller.call("bank", LOOK, lambda reply: reply))
    assert slow.replicas == ["bank/2"]
