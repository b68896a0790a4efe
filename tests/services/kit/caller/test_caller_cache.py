"""Fallbacks that keep answers: the last good one for GET, and no other call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from observability import names
from services.kit.caller import Offer
from services.kit.errors import CallError, RemoteError
from services.kit.message import Outgoing, Reply
from services.policy import FallbackKind

if TYPE_CHECKING:
    from services.kit.caller import Caller
    from tests.services.kit.caller.conftest import Shop
    from tests.services.kit.conftest import Tools

EDGE = "shop->bank"
BUSY = RemoteError(EDGE, 503, "busy")
LOOK = Outgoing("GET", "/accounts/7", "/accounts/{id}")
CACHED = {"fallback": {"kind": "cached", "ttl": "1h"}}
STALE = {"fallback": {"kind": "stale_while_error", "ttl": "1h", "fresh": "30m"}}


async def look(caller: Caller, outgoing: Outgoing = LOOK) -> tuple[str, str | None]:
    """What was answered, and how it was degraded."""
    return await caller.call("bank", outgoing, lambda reply: (reply.body.decode(), reply.degraded))


def test_the_last_good_answer_stands_in_and_says_so(shop: Shop, tools: Tools) -> None:
    caller = shop.caller(CACHED, Reply(200, b"17"), Reply(200, b"18"), BUSY)
    assert [tools.run_virtually(look(caller)) for _ in range(3)] == [("17", None), ("18", None), ("18", "cached")]
    assert shop.watched.metric(names.RESILIENCE_FALLBACKS, edge=EDGE, kind="cached") == 1
    assert shop.watched.metric(names.RESILIENCE_CALLS, edge=EDGE, outcome="fallback", traffic="foreground") == 1


def test_without_an_answer_kept_the_cause_is_told(shop: Shop) -> None:
    assert shop.failing_call(CACHED, BUSY) is BUSY


def test_an_answer_is_kept_for_its_own_path_alone(shop: Shop, tools: Tools) -> None:
    caller = shop.caller(CACHED, Reply(200, b"17"), BUSY)
    tools.run_virtually(look(caller))
    with pytest.raises(CallError):
        tools.run_virtually(look(caller, Outgoing("GET", "/accounts/8", "/accounts/{id}")))


def test_an_answer_is_kept_for_who_asked_alone_where_a_header_says_who_asks(shop: Shop, tools: Tools) -> None:
    ann, ben = (replace(LOOK, headers={"Authorization": name}) for name in ("ann", "ben"))
    caller = shop.caller(CACHED, Reply(200, b"Ann's"), BUSY, BUSY)
    tools.run_virtually(look(caller, ann))
    with pytest.raises(CallError):
        tools.run_virtually(look(caller, ben))
    assert tools.run_virtually(look(caller, replace(LOOK, headers={"authorization": "ann"}))) == ("Ann's", "cached")


def test_what_changes_something_is_never_answered_from_what_was_kept(shop: Shop, tools: Tools) -> None:
    keyed = Outgoing("POST", "/accounts/7", "/accounts/{id}", b"{}", idempotency_key="k")
    caller = shop.caller(CACHED, Reply(200, b"17"), BUSY)
    tools.run_virtually(look(caller, keyed))
    with pytest.raises(CallError):
        tools.run_virtually(look(caller, keyed))


def test_an_answer_that_cannot_be_read_is_not_kept(shop: Shop, tools: Tools) -> None:
    def unreadable(reply: Reply) -> tuple[str, str | None]:
        raise ValueError("no account")

    caller = shop.caller(CACHED, Reply(200, b"?"), BUSY)
    with pytest.raises(ValueError, match="no account"):
        tools.run_virtually(caller.call("bank", LOOK, unreadable))
    with pytest.raises(CallError):
        tools.run_virtually(look(caller))


def test_a_fresh_answer_spares_the_call_and_is_not_degraded(shop: Shop, tools: Tools) -> None:
    caller = shop.caller(STALE, Reply(200, b"17"), BUSY)
    with shop.watched.telemetry.tracer.start_as_current_span("server"):
        assert [tools.run_virtually(look(caller)) for _ in range(2)] == [("17", None)] * 2
    assert len(shop.transport.sent) == 1
    assert [event.name for event in shop.watched.spans[-1].events] == ["resilience.cached"]
    assert shop.watched.metric(names.RESILIENCE_CALLS, edge=EDGE, outcome="cached", traffic="foreground") == 1


def test_an_answer_kept_is_preferred_to_one_that_is_offered(shop: Shop, tools: Tools) -> None:
    offer = Offer[tuple[str, str | None]](FallbackKind.CACHED, lambda error: ("offered", "cached"))
    caller = shop.caller(CACHED, Reply(200, b"17"), BUSY)
    tools.run_virtually(look(caller))
    found = tools.run_virtually(caller.call("bank", LOOK, lambda reply: (reply.body.decode(), reply.degraded), offer))
    assert found == ("17", "cached")
