"""The two ways from a service that publishes to one that consumes, each with what a test can break on it."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace

import aiohttp
from aiohttp import web
from fastapi import FastAPI

from chaos.inject.leases import LeaseTable
from observability.telemetry import Telemetry
from services.kit.answers import install_error_mapping
from services.kit.busy import install_busy_mapping
from services.kit.caller import Caller
from services.kit.events.api import router
from services.kit.events.bus import Bus
from services.kit.events.push import PushBus
from services.kit.events.service import Events
from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.kit import RELAY_POLICY
from services.kit.settings import Settings
from services.kit.transport import HttpTransport
from services.registry import Instance, InstanceState
from services.topology import topology_from_text
from testbed.ports import free_port
from tests.nats import PASSWORD, NatsServer
from tests.services.asgi import ask

TOKEN = "internal-token-of-tests"
TOPOLOGY = topology_from_text(
    """
services:
  shop: {module: shop.main, entry: true}
  bank: {module: bank.main, replicas: 2}
edges:
  shop->bank: {}
events:
  account.opened: {producer: shop, consumers: [bank]}
"""
)


class Road(ABC):
    """From shop to bank."""

    @abstractmethod
    def bus(self, service: str) -> Bus:
        """A replica's end of it."""

    @abstractmethod
    def serving(self, replica: int, events: Events) -> AbstractAsyncContextManager[None]:
        """Lets events in at a replica of bank."""

    @abstractmethod
    async def cut(self) -> None:
        """Nothing arrives any more."""

    @abstractmethod
    async def mend(self) -> None:
        """What was there before is there again."""


class PushRoad(Road):
    """Real sockets on this machine; each replica's routes behind one of its own."""

    def __init__(self, session: aiohttp.ClientSession, telemetry: Telemetry) -> None:
        self._ports: dict[int, int] = {}
        self._applications: dict[int, web.Application] = {}
        self._runners: dict[int, web.AppRunner] = {}
        self._caller = Caller(
            "shop", {"bank": RELAY_POLICY}, self, HttpTransport(session, LeaseTable(service="shop")), telemetry, random.Random(7)
        )
        self._is_cut = False

    def resolve(self, service: str) -> tuple[Instance, ...]:
        """All that are known, whether or not they answer: registries are late."""
        return tuple(
            Instance(service=service, replica=replica, host="127.0.0.1", port=port, pid=1, state=InstanceState.UP)
            for replica, port in self._ports.items()
        )

    def bus(self, service: str) -> Bus:
        return PushBus(service, TOPOLOGY, self._caller)

    @asynccontextmanager
    async def serving(self, replica: int, events: Events) -> AsyncIterator[None]:
        app = FastAPI()
        app.state.settings = Settings(service="bank", internal_token=TOKEN)
        app.state.kit = SimpleNamespace(opened_events=[events])
        install_error_mapping(app)
        install_busy_mapping(app)
        app.include_router(router)

        async def forward(request: web.Request) -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name != INTERNAL_TOKEN_HEADER}
            told = headers | {INTERNAL_TOKEN_HEADER: TOKEN}
            answer = await ask(app, request.path, told, request.method, body=await request.read())
            return web.Response(status=answer.status, body=answer.body)

        self._applications[replica] = web.Application()
        self._applications[replica].router.add_route("*", "/{path:.*}", forward)
        self._ports.setdefault(replica, free_port())
        if not self._is_cut:
            await self._listen(replica)
        yield
        await self._hang_up(replica)

    async def cut(self) -> None:
        self._is_cut = True
        for replica in list(self._runners):
            await self._hang_up(replica)

    async def mend(self) -> None:
        self._is_cut = False
        for replica in self._applications:
            await self._listen(replica)

    async def _listen(self, replica: int) -> None:
        runner = web.AppRunner(self._applications[replica], access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._ports[replica], reuse_address=True).start()
        self._runners[replica] = runner

    async def _hang_up(self, replica: int) -> None:
        runner = self._runners.pop(replica, None)
        if runner:
            application = self._applications[replica]
            await runner.cleanup()
            self._applications[replica] = web.Application()
            self._applications[replica].router.add_routes(
                [web.route(route.method, "/{path:.*}", route.handler) for route in application.router.routes()]
            )


class NatsRoad(Road):
    """A real server."""

    def __init__(self, server: NatsServer) -> None:
        self.server = server
        self.ack_wait_s = 10.0
        self.password = PASSWORD

    def bus(self, service: str) -> Bus:
        from services.kit.events.jetstream import JetStreamBus  # noqa: PLC0415 - as in the kit: only where there is a broker.

        url = self.server.url(self.password)
        return JetStreamBus(Settings(service=service, nats_url=url, nats_stream="tests"), TOPOLOGY, self.ack_wait_s)

    @asynccontextmanager
    async def serving(self, replica: int, events: Events) -> AsyncIterator[None]:
        yield  # The bus asks for events itself.

    async def cut(self) -> None:
        await asyncio.to_thread(self.server.kill)

    async def mend(self) -> None:
        await asyncio.to_thread(self.server.start)
