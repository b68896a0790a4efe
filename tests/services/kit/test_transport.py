"""One attempt over the wire: what is sent, and what every way to fail becomes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from chaos.faults import Abort, Error
from chaos.inject.messages import LeaseRequest
from services.kit.errors import AttemptTimeoutError, RemoteError, ShedError, UnreachableError
from services.kit.message import Outgoing, Reply
from services.kit.transport import MAX_REPLY_BYTES
from tests.services.kit.bank import EDGE, LIMITS, LOOK, Bank, FakeSession, open_bank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.policy import Timeout
    from tests.services.kit.conftest import Tools


@pytest_asyncio.fixture
async def bank() -> AsyncIterator[Bank]:
    async with open_bank() as opened:
        yield opened


async def test_an_answer_below_500_is_a_reply(bank: Bank) -> None:
    assert await bank.send() == Reply(200, b"17", None)


@pytest.mark.parametrize("status", [301, 404, 409])
async def test_a_refusal_is_a_reply_too(bank: Bank, status: int) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=b"no")

    bank.answer = refuse
    assert await bank.send() == Reply(status, b"no")


async def test_a_redirect_is_not_followed(bank: Bank) -> None:
    async def redirect(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    bank.answer = redirect
    assert (await bank.send()).status == 307
    assert [request.path for request in bank.requests] == ["/accounts/7"]


@pytest.mark.parametrize(
    ("stated", "retry_after_ms"),
    [
        ("2", 2_000),
        ("0", 0),
        ("3600", 3_600_000),
        ("3601", None),
        ("9" * 5_000, None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Sat, 21 Nov 2026 08:00:00 GMT", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_when_to_come_again_is_read_in_whole_seconds(
    bank: Bank, status: int, stated: str | None, retry_after_ms: float | None
) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Retry-After": stated} if stated else {})

    bank.answer = refuse
    with pytest.raises((ShedError, RemoteError)) as caught:
        await bank.send()
    assert isinstance(caught.value, ShedError if status == 429 else RemoteError)
    assert caught.value.retry_after_ms == retry_after_ms


async def test_a_callee_that_is_asked_too_much_has_shed_the_request(bank: Bank) -> None:
    async def shed(request: web.Request) -> web.StreamResponse:
        return web.json_response({"detail": "the limit is 4"}, status=429)

    bank.answer = shed
    with pytest.raises(ShedError, match="shop->bank: is busy: the limit is 4"):
        await bank.send()


async def test_a_degraded_answer_is_known_as_one(bank: Bank) -> None:
    async def degraded(request: web.Request) -> web.StreamResponse:
        return web.Response(headers={"Degraded": "static"})

    bank.answer = degraded
    assert (await bank.send()).degraded == "static"


async def test_a_server_error_is_an_error_that_says_what_the_problem_was(bank: Bank) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        return web.json_response({"detail": "out of money"}, status=503)

    bank.answer = fail
    with pytest.raises(RemoteError, match="shop->bank: answered 503: out of money") as caught:
        await bank.send()
    assert caught.value.remote_status == 503


async def test_a_request_carries_its_headers_and_no_more_than_it_has(bank: Bank) -> None:
    await bank.send(traceparent="00-1-2-01")
    (request,) = bank.requests
    assert (request.method, request.path, request.headers["traceparent"]) == ("GET", "/accounts/7", "00-1-2-01")
    assert {"Idempotency-Key", "Content-Type"}.isdisjoint(request.headers)


async def test_a_request_with_a_body_and_a_key_says_so(bank: Bank) -> None:
    await bank.send(Outgoing("PUT", "/transfers/3", "/transfers/{id}", b'{"cents": 5}', "transfer-3", {"X-From": "till"}))
    (request,) = bank.requests
    assert request.headers["Idempotency-Key"] == "transfer-3"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-From"] == "till"
    assert bank.bodies == [b'{"cents": 5}']


async def test_where_nobody_listens_is_unreachable(bank: Bank) -> None:
    bank.port = 1
    with pytest.raises(UnreachableError, match="shop->bank: bank/1: ClientConnectorError"):
        await bank.send()


async def test_a_connection_that_is_cut_without_an_answer_is_unreachable(bank: Bank) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    bank.answer = cut
    with pytest.raises(UnreachableError, match="bank/1"):
        await bank.send()


async def test_an_answer_that_breaks_off_is_unreachable_not_half_an_answer(bank: Bank) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    bank.answer = break_off
    with pytest.raises(UnreachableError):
        await bank.send()


async def test_the_largest_answer_allowed_arrives_whole(bank: Bank) -> None:
    async def large(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * MAX_REPLY_BYTES)

    bank.answer = large
    assert len((await bank.send()).body) == MAX_REPLY_BYTES


@pytest.mark.parametrize("length", ["announced", "unknown"])
async def test_an_answer_that_is_too_large_is_an_error_never_cut_short(bank: Bank, length: str) -> None:
    async def too_large(request: web.Request) -> web.StreamResponse:
        response = web.Response(body=b"x" * (MAX_REPLY_BYTES + 1))
        if length == "unknown":
            response.enable_chunked_encoding()
        return response

    bank.answer = too_large
    with pytest.raises(RemoteError, match="the answer is too large"):
        await bank.send()


async def test_a_connection_that_takes_too_long_is_a_timeout(tools: Tools) -> None:
    session = FakeSession(aiohttp.ConnectionTimeoutError())
    with pytest.raises(AttemptTimeoutError, match="shop->bank: no connection to bank/1 in time"):
        await session.transport().send(EDGE, tools.replica(1), LOOK, {}, LIMITS)


def test_an_attempt_that_is_cancelled_is_no_timeout(tools: Tools) -> None:
    async def scenario() -> None:
        attempt = asyncio.ensure_future(FakeSession().transport().send(EDGE, tools.replica(1), LOOK, {}, LIMITS))
        await tools.settle()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt

    tools.run_virtually(scenario())


async def limit_given_to_the_library(tools: Tools, limits: Timeout | None) -> aiohttp.ClientTimeout:
    session = FakeSession()
    attempt = asyncio.ensure_future(session.transport().send(EDGE, tools.replica(1), LOOK, {}, limits))
    await tools.settle()
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    return session.timeouts[0]


async def test_connecting_has_a_limit_of_its_own(tools: Tools) -> None:
    assert (await limit_given_to_the_library(tools, LIMITS)).sock_connect == 2


async def test_without_a_timeout_the_librarys_own_stands(tools: Tools) -> None:
    assert (await limit_given_to_the_library(tools, None)).total == 300


async def test_an_injected_error_is_an_answer_that_the_callee_never_saw(bank: Bank) -> None:
    bank.inject(Error(status=500))
    with pytest.raises(RemoteError) as caught:
        await bank.send()
    assert caught.value.remote_status == 500
    assert bank.requests == []


async def test_an_injected_429_sheds_as_a_callees_does(bank: Bank) -> None:
    bank.inject(Error(status=429))
    with pytest.raises(ShedError, match="is busy: injected"):
        await bank.send()


async def test_an_injected_refusal_is_a_reply(bank: Bank) -> None:
    bank.inject(Error(status=409))
    assert await bank.send() == Reply(409, b"")


async def test_an_injected_abort_is_a_connection_that_was_reset(bank: Bank) -> None:
    bank.inject(Abort())
    with pytest.raises(UnreachableError, match="connection reset"):
        await bank.send()
    assert bank.requests == []


async def test_a_fault_on_another_edge_does_not_touch_this_one(bank: Bank) -> None:
    bank.leases.grant(LeaseRequest(fault=Abort(), edge="shop->post", lease_ms=3_600_000))
    assert (await bank.send()).status == 200
