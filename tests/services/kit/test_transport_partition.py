"""One attempt over a network that is cut: nothing is sent, and nothing of what came of it is known."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from chaos.faults import Partition
from chaos.inject.messages import LeaseRequest
from services.kit.errors import AttemptTimeoutError, RemoteError, UnreachableError
from tests.services.kit.bank import EDGE, LOOK, Bank, FakeSession, open_bank

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import AsyncIterator, Callable

    from services.kit.message import Reply
    from tests.services.kit.conftest import Tools


@pytest_asyncio.fixture
async def bank() -> AsyncIterator[Bank]:
    async with open_bank() as opened:
        yield opened


async def cut_off_while_answering(bank: Bank, tools: Tools, answer: Callable[[web.Request], web.StreamResponse]) -> Task[Reply]:
    """An attempt whose edge is cut when its callee is at work on it, and which has been answered."""

    async def cut(request: web.Request) -> web.StreamResponse:
        bank.met.clear()
        bank.inject(Partition())
        return answer(request)

    bank.answer = cut
    attempt = asyncio.ensure_future(bank.send())
    await bank.met.wait()  # What came of it has come back.
    await tools.settle()
    return attempt


async def test_an_attempt_is_not_sent_while_its_edge_is_cut(bank: Bank, tools: Tools) -> None:
    bank.inject(Partition())
    attempt = asyncio.ensure_future(bank.send())
    await tools.settle()
    assert (attempt.done(), bank.requests) == (False, [])
    bank.leases.heal()
    assert (await attempt).status == 200


async def test_what_a_callee_did_is_not_known_before_the_edge_is_whole_again(bank: Bank, tools: Tools) -> None:
    attempt = await cut_off_while_answering(bank, tools, lambda request: web.Response(body=b"done"))
    assert (attempt.done(), len(bank.requests)) == (False, 1)
    bank.leases.heal()
    assert (await attempt).body == b"done"


async def test_neither_a_callees_error_nor_its_death_is_known_while_the_edge_is_cut(bank: Bank, tools: Tools) -> None:
    def die(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    for answer, error in ((lambda request: web.Response(status=503), RemoteError), (die, UnreachableError)):
        attempt = await cut_off_while_answering(bank, tools, answer)
        assert not attempt.done()
        bank.leases.heal()
        with pytest.raises(error):
            await attempt


async def test_whoever_gives_up_on_a_cut_edge_is_not_kept(bank: Bank, tools: Tools) -> None:
    attempt = await cut_off_while_answering(bank, tools, lambda request: web.Response())
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt


async def test_a_limit_of_the_library_runs_out_although_the_edge_is_cut(tools: Tools) -> None:
    class Impatient(FakeSession):
        """Cuts the edge, and then has no more patience."""

        @asynccontextmanager
        async def request(self, *arguments: object, **options: Any) -> AsyncIterator[None]:
            self.leases.grant(LeaseRequest(fault=Partition(), edge=EDGE, lease_ms=3_600_000))
            async with super().request(*arguments, **options):
                yield

    with pytest.raises(AttemptTimeoutError):
        await Impatient(aiohttp.ServerTimeoutError()).transport().send(EDGE, tools.replica(1), LOOK, {}, None)


async def test_a_process_that_is_cut_off_sends_nothing_over_any_edge(bank: Bank, tools: Tools) -> None:
    bank.leases.grant(LeaseRequest(fault=Partition(), lease_ms=3_600_000))
    attempt = asyncio.ensure_future(bank.send())
    await tools.settle()
    assert bank.requests == []
    bank.leases.heal()
    await attempt
