"""A callee over real HTTP, and a session that has none."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp import web

from chaos.inject.leases import LeaseTable
from chaos.inject.messages import LeaseRequest
from services.kit.message import Outgoing, Reply
from services.kit.transport import HttpTransport
from services.policy import Timeout
from services.registry import Instance, InstanceState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from chaos.faults import AnyFault

EDGE = "shop->bank"
LOOK = Outgoing("GET", "/accounts/7", "/accounts/{id}")
LIMITS = Timeout.model_validate({"attempt": "5s", "connect": "2s"})


class Bank:
    """A real HTTP server on a free port of this machine, in the test's own event loop."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = self._fine
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.met = asyncio.Event()
        """Set when a fault is met."""
        self.leases = LeaseTable(service="shop", observer=self)
        self.transport = HttpTransport(session, self.leases)
        self.port = 0

    async def _fine(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"17")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request)
        self.requests.append(request)
        self.bodies.append(await request.read())
        return await self.answer(request)

    async def send(self, outgoing: Outgoing = LOOK, limits: Timeout | None = LIMITS, **headers: str) -> Reply:
        instance = Instance(service="bank", replica=1, host="127.0.0.1", port=self.port, pid=1, state=InstanceState.UP)
        return await self.transport.send(EDGE, instance, outgoing, headers, limits)

    def injected(self, lease_id: str, fault: str, target: str) -> None:
        self.met.set()

    def inject(self, fault: AnyFault) -> None:
        self.leases.grant(LeaseRequest(fault=fault, edge=EDGE, lease_ms=3_600_000))


@asynccontextmanager
async def open_bank() -> AsyncIterator[Bank]:
    async with aiohttp.ClientSession() as session:
        bank = Bank(session)

        async def handle(request: web.Request) -> web.StreamResponse:
            return await bank.handle(request)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(application, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        bank.port = runner.addresses[0][1]
        yield bank
        await runner.cleanup()


class FakeSession:
    """A session that keeps its time limits and never answers, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.leases = LeaseTable()
        self.timeout = aiohttp.ClientTimeout(total=300)
        self.timeouts: list[aiohttp.ClientTimeout] = []

    @asynccontextmanager
    async def request(self, *_arguments: object, **options: Any) -> AsyncIterator[None]:
        self.timeouts.append(options["timeout"])
        if self._error:
            raise self._error
        await asyncio.Event().wait()
        yield

    def transport(self) -> HttpTransport:
        return HttpTransport(cast("aiohttp.ClientSession", self), self.leases)
