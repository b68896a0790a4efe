"""FeastFast in one process: every replica of the topology as a server of its own on a real socket, with a real registry."""

import asyncio
import io
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from chaos.faults import AnyFault
from chaos.inject.messages import PATH, TOKEN_HEADER, LeaseRequest
from observability.trace_options import TracePath
from services.gateway.tokens import Tokens
from services.kit.discovery import RECHECK_S
from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.settings import Settings
from services.policy import Profile
from services.registry import InstanceState, Registry
from tests.feastfast.customer import Answer, Customer
from tests.feastfast.patience import patient_map
from tests.feastfast.replica import TOPOLOGY, Replica
from tests.services.databases import migrated_file

INTERNAL_TOKEN, CHAOS_TOKEN, SIGNING_KEY = "internal-token-of-tests", "chaos-token-of-tests", "signing-key-of-tests-32-characters"
BOUND_S = 30.0
"""For what must happen by itself: much longer than a claim of the outbox, which is the longest wait by design."""


@dataclass
class FeastFast:
    """The running system, and what can happen to it. `hanging` are edges over which calls will hang.

    `map_changes` are replacements in its map, by pattern.
    """

    folder: Path
    profile: Profile = Profile.DECLARED
    otlp_endpoint: str = ""
    tracing: TracePath = TracePath.DEFAULT
    trace_ratio: float = 1.0
    log_level: str = "info"
    nats_url: str = ""
    hanging: tuple[str, ...] = ()
    map_changes: dict[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = tuple(TOPOLOGY.services)
    replicas: dict[str, Replica] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    lines: io.StringIO = field(default_factory=io.StringIO)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def start(self) -> None:
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60))
        changed = patient_map(self.hanging, self.map_changes)
        (self.folder / "topology.yaml").write_text(changed, encoding="utf-8")
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
            trace_ratio=self.trace_ratio,
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


Start = Callable[..., AbstractAsyncContextManager[FeastFast]]
"""Starts a system as the fields of FeastFast say."""
