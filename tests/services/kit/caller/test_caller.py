"""A call to another service: which replica, how often, and what travels with it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from services.kit.caller import Offer
from services.kit.errors import RemoteError, UnreachableError
from services.kit.message import Outgoing, Reply
from services.kit.resilience.deadline import HEADER, deadline_within
from services.kit.resilience.priority import priority_within
from services.policy import UNPROTECTED, FallbackKind

if TYPE_CHECKING:
    from tests.services.kit.caller.conftest import Shop
    from tests.services.kit.conftest import Tools

EDGE = "shop->bank"
DOWN = UnreachableError(EDGE, "no connection")
BUSY = RemoteError(EDGE, 503, "busy")
LOOK = Outgoing("GET", "/accounts/7", "/accounts/{id}")
STATIC = Offer(FallbackKind.STATIC, lambda error: f"instead of {error.reason}")


def test_the_answer_is_parsed(shop: Shop) -> None:
    assert shop.call({}, Reply(200, b"17")) == "17"


@pytest.mark.parametrize("seed", range(8))
def test_another_attempt_goes_to_another_replica(shop: Shop, seed: int) -> None:
    shop.seed = seed
    shop.call({"retry": {}, "balancer": "power_of_two"}, DOWN, Reply(200, b"fine"))
    first, second = shop.replicas
    assert first != second


@pytest.mark.parametrize("seed", range(8))
def test_once_all_were_tried_the_one_that_failed_last_is_avoided(shop: Shop, seed: int) -> None:
    shop.seed = seed
    shop.failing_call({"retry": {"max_attempts": 4}, "balancer": "power_of_two"}, DOWN)
    assert all(one != next_one for one, next_one in pairwise(shop.replicas))


def test_the_only_replica_there_is_gets_the_other_attempt_too(shop: Shop) -> None:
    shop.up = [(1,)]
    shop.call({"retry": {}}, DOWN, Reply(200, b"fine"))
    assert shop.replicas == ["bank/1", "bank/1"]


def test_without_a_balancer_replicas_take_turns(shop: Shop, tools: Tools) -> None:
    caller = shop.caller(UNPROTECTED)

    async def four_calls() -> None:
        for _ in range(4):
            await caller.call("bank", LOOK, lambda reply: reply)

    tools.run_virtually(four_calls())
    first, second, *rest = shop.replicas
    assert first != second
    assert rest == [first, second]


def test_a_service_that_nobody_runs_is_unreachable(shop: Shop) -> None:
    shop.up = [()]
    error = shop.failing_call({})
    assert (error.reason, error.detail) == ("unreachable", "shop->bank: no instance is up")
    assert shop.transport.sent == []


def test_a_replica_that_comes_up_between_two_attempts_is_found(shop: Shop) -> None:
    shop.up = [(), (3,)]
    assert shop.call({"retry": {}}) == "{}"
    assert shop.replicas == ["bank/3"]


def test_an_edge_that_the_map_does_not_have_cannot_be_called(shop: Shop, tools: Tools) -> None:
    with pytest.raises(KeyError, match="post"):
        tools.run_virtually(shop.caller({}).call("post", LOOK, lambda reply: reply))


@pytest.mark.parametrize(
    "outgoing",
    [
        Outgoing("GET", "/a", "/a"),
        Outgoing("PUT", "/a", "/a", b"{}", idempotency_key="k"),
        Outgoing("POST", "/a", "/a", b"{}", idempotency_key="k"),
    ],
    ids=lambda outgoing: outgoing.method,
)
def test_a_read_or_a_call_with_a_key_is_repeated(shop: Shop, outgoing: Outgoing) -> None:
    shop.failing_call({"retry": {"max_attempts": 2}}, BUSY, outgoing=outgoing)
    assert len(shop.replicas) == 2


@pytest.mark.parametrize("policy", [{"retry": {}}, {"hedge": {"delay": "1s"}}], ids=str)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_call_that_must_not_be_repeated_is_refused_where_it_could_be(
    shop: Shop, method: str, policy: dict[str, dict[str, str]]
) -> None:
    with pytest.raises(
        ValueError, match=f"shop->bank declares retry or hedge, but {method} /a is no GET and has no idempotency key"
    ):
        shop.call(policy, outgoing=Outgoing(method, "/a", "/a", b"{}"))
    assert shop.replicas == []


def test_a_call_that_must_not_be_repeated_is_made_once_where_nothing_repeats(shop: Shop) -> None:
    assert shop.failing_call({"repeatable": False}, BUSY, outgoing=Outgoing("POST", "/a", "/a", b"{}")) is BUSY
    assert len(shop.replicas) == 1


def test_every_attempt_carries_the_trace_and_its_own_span(shop: Shop) -> None:
    shop.call({"retry": {}}, DOWN, Reply(200, b"fine"))
    for span, sent in zip(shop.watched.spans, shop.transport.sent, strict=True):
        assert span.context is not None
        version, trace_id, span_id, flags = sent.headers["traceparent"].split("-")
        assert (version, trace_id, span_id) == ("00", f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}")
        assert int(flags, 16) & 1


def test_an_attempt_carries_the_time_that_is_left(shop: Shop) -> None:
    shop.call({"deadline": "600ms"})
    assert shop.transport.sent[0].headers[HEADER] == "600"


def test_a_callee_is_never_told_that_nothing_is_left_while_its_caller_waits(shop: Shop, tools: Tools) -> None:
    async def scenario() -> None:
        with deadline_within(0.4):
            await shop.caller({}, Reply(200, b"fine")).call("bank", LOOK, lambda reply: reply.body)

    tools.run_virtually(scenario())
    assert shop.transport.sent[0].headers[HEADER] == "1"


def test_a_second_attempt_carries_less_time_than_the_first(shop: Shop) -> None:
    policy = {"deadline": "10s", "retry": {"initial_backoff": "1s", "max_backoff": "1s"}}
    shop.call(policy, DOWN, Reply(200, b"fine"))
    first, second = (float(sent.headers[HEADER]) for sent in shop.transport.sent)
    assert 9_000 <= second < first == 10_000


def test_without_a_deadline_none_is_carried(shop: Shop) -> None:
    shop.call({})
    assert HEADER not in shop.transport.sent[0].headers


def test_the_timeout_of_the_edge_is_the_transports_limit(shop: Shop) -> None:
    shop.call({"timeout": {"attempt": "400ms", "connect": "100ms"}})
    limits = shop.transport.sent[0].limits
    assert limits is not None
    assert (limits.attempt_ms, limits.connect_ms) == (400, 100)


def test_the_profile_none_sends_once_without_deadline_limit_or_fallback(shop: Shop) -> None:
    error = shop.failing_call(UNPROTECTED, BUSY, offer=STATIC)
    assert error is BUSY
    (sent,) = shop.transport.sent
    assert sent.limits is None
    assert HEADER not in sent.headers


@pytest.mark.parametrize(
    ("of_the_request", "of_the_call", "sent"),
    [(None, None, None), (1, None, "u=1"), (1, 6, "u=6"), (None, 0, "u=0"), (1, 3, None)],
)
def test_an_attempt_says_how_urgent_it_is_unless_it_is_as_urgent_as_any(
    shop: Shop, of_the_request: int | None, of_the_call: int | None, sent: str | None
) -> None:
    with priority_within(of_the_request):
        shop.call({}, outgoing=replace(LOOK, urgency=of_the_call))
    assert shop.transport.sent[0].headers.get("Priority") == sent
