"""An outbox in a database of its own, relays as replicas would run them, and somebody to deliver to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, String, Table, select

from observability.metrics import Metrics
from observability.telemetry import Origin, Telemetry
from observability.tracing import tracer_provider
from services.kit.database import Database
from services.kit.events import outbox as outbox_module
from services.kit.events.outbox import Message, Outbox
from services.kit.events.relay import After, Relay

BOUND_S = 10.0
LETTERS = "letters"
Act = Callable[[Message], Awaitable[After | None]]


class Clock:
    """Stands in for the module `time` in the outbox: claims run out when told."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def time(self) -> float:
        return self.now_s


class Addressee:
    """Handles messages: tells of each, then does with it what the test says."""

    def __init__(self, act: Act | None) -> None:
        self.arrived: asyncio.Queue[str] = asyncio.Queue()
        self._act = act

    async def __call__(self, message: Message) -> After | None:
        self.arrived.put_nowait(message.key)
        return await self._act(message) if self._act else None

    async def got(self, count: int) -> list[str]:
        """The next messages to arrive."""
        async with asyncio.timeout(BOUND_S):
            return [await self.arrived.get() for _ in range(count)]


class PostOffice:
    """One database with an outbox, and as many relays as a test wants."""

    def __init__(self, path: Path) -> None:
        origin = Origin("post", "post/1")
        self.telemetry = Telemetry(tracer_provider(origin.resource, None, Metrics().spans_dropped.inc), Metrics(), None)
        self.database = Database(f"sqlite+aiosqlite:///{path}", self.telemetry.tracer, "post")
        self.metadata = MetaData()
        self.outbox = Outbox(self.metadata)
        self.book = Table("book", self.metadata, Column("entry", String(20), primary_key=True))

    def addressee(self, act: Act | None = None) -> Addressee:
        return Addressee(act)

    def relay(self, handler: Addressee, *topics: str) -> Relay:
        return Relay(self.database, self.outbox, dict.fromkeys(topics or (LETTERS,), handler), self.telemetry)

    async def put(self, *keys: str, topic: str = LETTERS) -> None:
        async with self.database.write() as connection:
            for key in keys:
                await self.outbox.put(connection, topic, key, {})

    async def waiting(self) -> list[tuple[str, int]]:
        """(key, failed attempts) of every message in the outbox."""
        table = self.outbox.table
        async with self.database.read() as connection:
            rows = (await connection.execute(select(table).order_by(table.c.id))).all()
        return [(row.key, row.attempts) for row in rows]

    async def entries(self) -> list[str]:
        """What is in the book, for deliveries that change something."""
        async with self.database.read() as connection:
            return list((await connection.execute(select(self.book.c.entry))).scalars())

    async def until(self, *expected: tuple[str, int]) -> None:
        """Returns once exactly this waits in the outbox."""
        until_s = time.monotonic() + BOUND_S
        while await self.waiting() != list(expected):
            assert time.monotonic() < until_s
            await asyncio.sleep(0.01)

    async def eventually(self, holds: Callable[[], bool]) -> None:
        until_s = time.monotonic() + BOUND_S
        while not holds():
            assert time.monotonic() < until_s
            await asyncio.sleep(0.01)

    def value(self, name: str, **labels: str) -> float | None:
        return self.telemetry.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outbox_module, "time", clock)
    return clock


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    office = PostOffice(tmp_path / "post.sqlite")
    await office.database.create(office.metadata)
    yield office
    await office.database.close()
