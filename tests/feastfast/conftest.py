"""FeastFast in one process: every replica of the topology as a server of its own on a real socket, with a real registry."""

import asyncio
import io
import json
import logging
import os
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import uvicorn
import uvloop
from fastapi import FastAPI

from chaos.faults import AnyFault
from chaos.inject.messages import PATH, TOKEN_HEADER, LeaseRequest
from observability.trace_options import TracePath
from services.gateway.tokens import Tokens
from services.kit.discovery import RECHECK_S
from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.protocol import BoundedProtocol
from services.kit.settings import Settings
from services.policy import Profile
from services.registry import Instance, InstanceState, Registry
from services.topology import default_topology_path, load_topology
from tests.services.databases import migrated_file

INTERNAL_TOKEN, CHAOS_TOKEN, SIGNING_KEY = "internal-token-of-tests", "chaos-token-of-tests", "signing-key-of-tests-32-characters"
TOPOLOGY = load_topology()
BASKET = {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 2}, {"dish_id": 703, "quantity": 1}]}
AT_WORK_S = 0.2
BOUND_S = 8.0
"""For what must happen by itself: longer than a claim of the outbox, which is the longest wait by design."""


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop that services run on."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Replica:
    """One instance of a service: the application and server of its `main()`, without the process around them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = 0

    async def start(self) -> None:
        # A test elsewhere that serves with uvicorn's own logging leaves it configured; a service's process never has it.
        served = logging.getLogger("uvicorn")
        served.handlers, served.propagate = [], True
        self.app: FastAPI = import_module(TOPOLOGY.services[self.settings.service].module).create_app(self.settings)
        # Its old port, so that a return is one.
        config = uvicorn.Config(self.app, port=self.port, http=BoundedProtocol, ws="none", log_config=None, log_level="warning")
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup()
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Ends as a killed process does: connections are cut, and what waits for others does not go on.

        What is at work is let finish, because a cut transaction would keep its lock in this process, which lives on.
        """
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        tasks = list(self._server.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=AT_WORK_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.lifespan.shutdown()

    def instance(self, state: InstanceState) -> Instance:
        service, replica = self.settings.service, self.settings.replica
        return Instance(service=service, replica=replica, host="127.0.0.1", port=self.port, pid=os.getpid(), state=state)


@dataclass
class Customer:
    """Somebody who is signed in and orders."""

    id: int
    token: str
    system: "FeastFast"

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.system.ask(method, path, body, headers={"Authorization": f"Bearer {self.token}"} | named)

    async def order(self, **headers: str) -> Answer:
        return await self.ask("POST", "/v1/orders", BASKET, **headers)

    async def status(self, order_id: str) -> str:
        status: str = (await self.ask("GET", f"/v1/orders/{order_id}")).json["status"]
        return status

    def orders(self) -> list[tuple[str, str]]:
        """(id, status) of everything this customer ever ordered, from the service's own file."""
        return self.system.rows("orders", "SELECT id, status FROM orders WHERE customer_id = ?", self.id)

    def payments(self) -> list[str]:
        """States of this customer's orders' payments."""
        return self._of_my_orders(self.system.rows("payments", "SELECT order_id, state FROM payments"))

    def reservations(self) -> list[str]:
        """States of this customer's orders' portions."""
        return self._of_my_orders(self.system.rows("restaurants", "SELECT order_id, state FROM reservations"))

    def couriers(self) -> list[str]:
        """States of this customer's orders' assignments."""
        return self._of_my_orders(self.system.rows("deliveries", "SELECT order_id, state FROM assignments"))

    def _of_my_orders(self, rows: list[tuple[Any, ...]]) -> list[str]:
        mine = {order_id for order_id, _ in self.orders()}
        return [state for order_id, state in rows if order_id in mine]


@dataclass
class FeastFast:
    """The running system, and what can happen to it. `map_changes` are replacements in its map, by pattern."""

    folder: Path
    profile: Profile = Profile.DECLARED
    otlp_endpoint: str = ""
    tracing: TracePath = TracePath.DEFAULT
    log_level: str = "info"
    nats_url: str = ""
    map_changes: dict[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = tuple(TOPOLOGY.services)
    replicas: dict[str, Replica] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    lines: io.StringIO = field(default_factory=io.StringIO)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def start(self) -> None:
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30))
        # Nine replicas and their customers share one thread here, so limits of time are twice as long.
        declared = default_topology_path().read_text(encoding="utf-8")
        stretched = re.sub(r"\b(deadline|attempt): (\d+)", lambda found: f"{found[1]}: {2 * int(found[2])}", declared)
        for pattern, replacement in self.map_changes.items():
            stretched = re.sub(pattern, replacement, stretched)
        (self.folder / "topology.yaml").write_text(stretched, encoding="utf-8")
        for name in self.services:
            if TOPOLOGY.services[name].database:
                await migrated_file(name, self.database(name))
            for number in range(1, TOPOLOGY.services[name].replicas + 1):
                self.replicas[f"{name}/{number}"] = Replica(self._settings(name, number))
        await asyncio.gather(*(replica.start() for replica in self.replicas.values()))
        self._register()

    async def stop(self) -> None:
        await asyncio.gather(*(replica.die() for name, replica in self.replicas.items() if name not in self.down))
        await self.session.close()

    def _settings(self, service: str, replica: int) -> Settings:
        return Settings(
            service=service,
            replica=replica,
            topology=self.folder / "topology.yaml",
            registry=self.folder / "registry.json",
            database_url=f"sqlite+aiosqlite:///{self.database(service)}",
            profile=self.profile,
            otlp_endpoint=self.otlp_endpoint,
            tracing=self.tracing,
            internal_token=INTERNAL_TOKEN,
            chaos_token=CHAOS_TOKEN,
            signing_key=SIGNING_KEY,
            run_id="test",
            log_level=self.log_level,
            nats_url=self.nats_url,
        )

    def _register(self) -> None:
        states = {name: InstanceState.DOWN if name in self.down else InstanceState.UP for name in self.replicas}
        instances = tuple(replica.instance(states[name]) for name, replica in self.replicas.items())
        Registry(instances=instances).write(self.folder / "registry.json")

    async def _announce(self) -> None:
        """Registers, and waits until every caller has to look at the file again."""
        self._register()
        await asyncio.sleep(2 * RECHECK_S)

    def database(self, service: str) -> Path:
        return self.folder / f"{service}.sqlite"

    def names(self, service: str) -> list[str]:
        """A service's replicas, or the one that `service` names itself."""
        return [name for name in self.replicas if name == service or name.startswith(f"{service}/")]

    async def kill(self, service: str, *, noticed: bool = True) -> None:
        """All replicas of a service die, and the registry says so unless nobody has noticed yet."""
        names = self.names(service)
        await asyncio.gather(*(self.replicas[name].die() for name in names))
        self.down.update(names)
        if noticed:
            await self._announce()

    async def revive(self, service: str) -> None:
        names = self.names(service)
        await asyncio.gather(*(self.replicas[name].start() for name in names))
        self.down.difference_update(names)
        await self._announce()

    async def inject(self, service: str, fault: AnyFault, edge: str | None = None) -> None:
        """Puts a fault into all replicas of a service."""
        body = LeaseRequest(fault=fault, edge=edge, lease_ms=60_000).model_dump(mode="json")
        for name in self.names(service):
            answer = await self.ask("POST", PATH, body, service=name, headers={TOKEN_HEADER: CHAOS_TOKEN})
            assert answer.status == 201, answer.body

    async def heal(self, service: str) -> None:
        for name in self.names(service):
            await self.ask("DELETE", PATH, service=name, headers={TOKEN_HEADER: CHAOS_TOKEN})

    async def ask(
        self, method: str, path: str, body: object = None, *, service: str = "gateway", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; a body that is neither bytes nor chunks of them is sent as JSON."""
        data = body if body is None or isinstance(body, bytes | AsyncIterator) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | dict(headers or {})
        url = f"http://127.0.0.1:{self.replicas[self.names(service)[0]].port}{path}"
        async with self.session.request(method, url, data=data, headers=sent) as response:
            return Answer(response.status, response.headers, await response.read())

    async def internal(self, service: str, method: str, path: str, body: object = None) -> Answer:
        return await self.ask(method, path, body, service=service, headers={INTERNAL_TOKEN_HEADER: INTERNAL_TOKEN})

    async def flush(self) -> None:
        """Sends the spans that are ready, without stopping the event loop that others serve on."""
        providers = [replica.app.state.kit.telemetry.tracers for replica in self.replicas.values()]
        await asyncio.gather(*(asyncio.to_thread(provider.force_flush) for provider in providers))

    def customer(self) -> Customer:
        """A customer whom no other test has met."""
        number = next(self._numbers)
        return Customer(number, Tokens(SIGNING_KEY).issue(number), self)

    def rows(self, service: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a service's file says; for states that its API shows to nobody."""
        with closing(sqlite3.connect(self.database(service), timeout=5)) as connection, connection:
            return connection.execute(query, values).fetchall()

    async def change(self, service: str, statement: str, *values: object) -> None:
        """Changes a service's file as time or a dead process would have. In a thread: whoever writes now needs the event loop."""
        await asyncio.to_thread(self.rows, service, statement, *values)

    def settled(self) -> bool:
        """Whether every saga is finished and every event has been handed on."""
        sagas = self.rows("orders", "SELECT count(*) FROM sagas WHERE due_at IS NOT NULL")
        unsent = [self.rows(each, "SELECT count(*) FROM outbox WHERE sent_at IS NULL") for each in ("orders", "deliveries")]
        return [sagas, *unsent] == [[(0,)]] * 3

    async def eventually(self, holds: Callable[[], bool] | Callable[[], Awaitable[bool]], within_s: float = BOUND_S) -> None:
        """Waits until it holds; what must happen by itself may take a moment."""
        until_s = time.monotonic() + within_s
        while True:
            held = holds()
            if held if isinstance(held, bool) else await held:
                return
            assert time.monotonic() < until_s, f"not within {within_s} s"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(system: FeastFast) -> AsyncIterator[FeastFast]:
    """The system, up. Every service takes the process's logging for itself; here all share it and give it back."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        await system.start()
        lines = next(each for each in root.handlers if isinstance(each, logging.StreamHandler))
        lines.setStream(system.lines)
        root.handlers[:] = [*before, lines]
        yield system
    finally:
        await system.stop()
        root.handlers[:], root.level = before, level


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[FeastFast]:
    """A system of one test, with the declared policies."""
    async with running(FeastFast(tmp_path)) as it:
        yield it


@pytest.fixture
async def unprotected(tmp_path: Path) -> AsyncIterator[FeastFast]:
    """A system of one test without any policy."""
    async with running(FeastFast(tmp_path, Profile.NONE)) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FeastFast]:
    """A system of one module, for tests that leave it as it was."""
    async with running(FeastFast(tmp_path_factory.mktemp("feastfast"))) as it:
        yield it


Start = Callable[..., AbstractAsyncContextManager[FeastFast]]


@pytest.fixture(scope="session")
def start() -> Start:
    """Starts a system as the fields of FeastFast say."""
    return lambda *fields, **named: running(FeastFast(*fields, **named))
