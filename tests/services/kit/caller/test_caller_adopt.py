"""A policy that changes while calls are made: later calls are under the new one, and what did not change goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from observability import names
from services.kit.errors import BreakerOpenError, CallError, RemoteError
from services.kit.message import Outgoing, Reply
from services.policy import EdgePolicy

if TYPE_CHECKING:
    from services.kit.caller import Caller
    from tests.services.kit.caller.conftest import Shop
    from tests.services.kit.conftest import Tools

EDGE = "shop->bank"
LOOK = Outgoing("GET", "/accounts/7", "/accounts/{id}")
BUSY = RemoteError(EDGE, 503, "busy")


def policy(**patterns: object) -> EdgePolicy:
    return EdgePolicy.model_validate(patterns)


async def end_of_call(caller: Caller) -> str:
    try:
        return await caller.call("bank", LOOK, lambda reply: reply.body.decode())
    except CallError as error:
        return str(error.reason)


def test_the_policy_in_force_is_the_one_that_was_adopted(shop: Shop) -> None:
    caller = shop.caller({"deadline": "1s"})
    assert caller.policy("bank") == policy(deadline="1s")
    caller.adopt("bank", policy(deadline="2s"))
    assert caller.policy("bank") == policy(deadline="2s")


def test_no_policy_is_adopted_for_an_edge_that_the_map_does_not_have(shop: Shop) -> None:
    with pytest.raises(KeyError, match="post"):
        shop.caller({}).adopt("post", policy())


def test_another_retry_policy_closes_no_breaker(shop: Shop, tools: Tools) -> None:
    caller = shop.caller({"breaker": {"fail_max": 1}}, BUSY)
    assert tools.run_virtually(end_of_call(caller)) == "remote_error"
    caller.adopt("bank", policy(breaker={"fail_max": 1}, retry={}))
    with pytest.raises(BreakerOpenError):
        tools.run_virtually(caller.call("bank", LOOK, lambda reply: reply))


def test_another_breaker_begins_closed(shop: Shop, tools: Tools) -> None:
    caller = shop.caller({"breaker": {"fail_max": 1}}, BUSY)
    tools.run_virtually(end_of_call(caller))
    caller.adopt("bank", policy(breaker={"fail_max": 2}))
    assert tools.run_virtually(end_of_call(caller)) == "remote_error"
    assert shop.watched.metric(names.RESILIENCE_BREAKER_STATE, edge=EDGE) == 0


def test_a_pattern_that_is_switched_off_and_on_begins_anew(shop: Shop, tools: Tools) -> None:
    caller = shop.caller({"breaker": {"fail_max": 1}}, BUSY)
    tools.run_virtually(end_of_call(caller))
    caller.adopt("bank", policy())
    assert shop.watched.metric(names.RESILIENCE_BREAKER_STATE, edge=EDGE) is None
    caller.adopt("bank", policy(breaker={"fail_max": 1}))
    assert tools.run_virtually(end_of_call(caller)) == "remote_error"


def test_answers_that_were_kept_outlive_a_change_of_something_else(shop: Shop, tools: Tools) -> None:
    fallback = {"kind": "cached", "ttl": "1h"}
    caller = shop.caller({"fallback": fallback}, Reply(200, b"17"), BUSY)
    assert tools.run_virtually(end_of_call(caller)) == "17"
    caller.adopt("bank", policy(fallback=fallback, deadline="1s"))
    assert tools.run_virtually(end_of_call(caller)) == "17"
    caller.adopt("bank", policy(fallback={"kind": "cached", "ttl": "2h"}))
    assert tools.run_virtually(end_of_call(caller)) == "remote_error"


def test_a_call_under_way_ends_under_the_policy_with_which_it_began(
    shop: Shop, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*arguments: object) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> float:
        begun_s = asyncio.get_running_loop().time()
        call = asyncio.ensure_future(end_of_call(caller))
        await asyncio.sleep(0.05)
        caller.adopt("bank", policy(deadline="1h"))
        assert await call == "deadline"
        return asyncio.get_running_loop().time() - begun_s

    caller = shop.caller({"deadline": "100ms"})
    monkeypatch.setattr(shop.transport, "send", hang)
    assert tools.run_virtually(scenario()) == pytest.approx(0.1)


def test_gauges_tell_of_what_is_in_force(shop: Shop) -> None:
    gauges = [
        names.RESILIENCE_BULKHEAD_IN_USE,
        names.RESILIENCE_BULKHEAD_WAITING,
        names.RESILIENCE_BUDGET_TOKENS,
        names.RESILIENCE_THROTTLE_RATIO,
        names.RESILIENCE_BREAKER_STATE,
        names.RESILIENCE_EJECTED,
    ]
    all_on = policy(bulkhead={}, retry={}, budget={"max_tokens": 7}, throttle={}, breaker={}, outlier_ejection={})
    caller = shop.caller(all_on)
    assert [shop.watched.metric(name, edge=EDGE) for name in gauges] == [0, 0, 7, 0, 0, 0]
    caller.adopt("bank", policy())
    assert [shop.watched.metric(name, edge=EDGE) for name in gauges] == [None] * 6


def test_an_open_breaker_and_a_taken_place_are_seen_while_they_are(shop: Shop, tools: Tools) -> None:
    caller = shop.caller({"breaker": {"fail_max": 1}, "retry": {}, "budget": {"max_tokens": 10}}, BUSY)
    tools.run_virtually(end_of_call(caller))
    assert shop.watched.metric(names.RESILIENCE_BREAKER_STATE, edge=EDGE) == 2
    assert shop.watched.metric(names.RESILIENCE_BUDGET_TOKENS, edge=EDGE) == 9
