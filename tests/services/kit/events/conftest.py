"""A shop that publishes, a bank that keeps a book of what it is told, and a road between them."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from services.kit.events.service import running_events
from services.kit.events.tables import EventTables
from tests.services.databases import Databases, SqliteDatabases, open_database
from tests.services.kit.events.roads import NatsRoad, PushRoad, Road

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from observability.telemetry import Telemetry
    from services.kit.database import Database
    from services.kit.events.event import Event
    from services.kit.events.publisher import Publisher
    from services.kit.events.service import Events
    from tests.nats import NatsServer
    from tests.services.kit.conftest import Watched

OPENED = "account.opened"
BOUND_S = 40.0
"""Of a wait for something that has to come; far longer than it takes, for the machine may be busy."""


class Note(BaseModel):
    """What an event tells."""

    n: int


class Riddle(BaseModel):
    """What no consumer understands."""

    riddle: str


class Ledger:
    """The tables of a service, and handlers that write in them. `act` is asked after a note is written, and may raise."""

    def __init__(self) -> None:
        self.metadata = MetaData()
        self.tables = EventTables(self.metadata)
        self.book = Table(
            "book",
            self.metadata,
            Column("id", Integer, primary_key=True, autoincrement=True),
            Column("key", String(100), nullable=False),
            Column("n", Integer, nullable=False),
        )
        self.act: Callable[[int], None] = lambda _n: None

    async def handle(self, connection: AsyncConnection, event: Event) -> None:
        note = event.parse(Note)
        await connection.execute(insert(self.book).values(key=event.key, n=note.n))
        self.act(note.n)

    async def booked(self, database: Database, key: str = "k") -> list[int]:
        async with database.read() as connection:
            query = select(self.book.c.n).where(self.book.c.key == key).order_by(self.book.c.id)
            return list((await connection.execute(query)).scalars())


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        await database.close()


class Town:
    """Both services over one road. Each replica has a connection of its own to its service's database."""

    def __init__(self, road: Road, telemetry: Telemetry, shop_url: str, bank_url: str, ledger: Ledger) -> None:
        self.road = road
        self.ledger = ledger
        self._telemetry = telemetry
        self._shop_url, self._bank_url = shop_url, bank_url
        self.bank_database = open_database(bank_url)
        self._shop_database = open_database(shop_url)

    @asynccontextmanager
    async def shop(self) -> AsyncIterator[Events]:
        async with (
            _opened(self._shop_url) as database,
            running_events(database, self.ledger.tables, lambda _: {}, self.road.bus("shop"), self._telemetry) as events,
        ):
            yield events

    @asynccontextmanager
    async def bank(self, replica: int = 1) -> AsyncIterator[Events]:
        async with (
            _opened(self._bank_url) as database,
            running_events(
                database, self.ledger.tables, lambda _: {OPENED: self.ledger.handle}, self.road.bus("bank"), self._telemetry
            ) as events,
            self.road.serving(replica, events),
        ):
            yield events

    @asynccontextmanager
    async def both(self, replicas: int = 1) -> AsyncIterator[Events]:
        """Shop and so many replicas of bank; yields the shop's events."""
        async with AsyncExitStack() as stack:
            for replica in range(1, replicas + 1):
                await stack.enter_async_context(self.bank(replica))
            yield await stack.enter_async_context(self.shop())

    async def publish(self, publisher: Publisher, *numbers: int, key: str = "k") -> list[str]:
        """One change after the other, each told of."""
        return [await self.tell(publisher, Note(n=number), key) for number in numbers]

    async def tell(self, publisher: Publisher, payload: BaseModel, key: str = "k") -> str:
        async with self._shop_database.write() as connection:
            event_id = await publisher.publish(connection, OPENED, key=key, payload=payload)
        publisher.wake()
        return event_id

    async def booked(self, key: str = "k") -> list[int]:
        return await self.ledger.booked(self.bank_database, key)

    async def until_booked(self, numbers: list[int], key: str = "k") -> None:
        async def are_there() -> bool:
            return len(await self.booked(key)) >= len(numbers)

        await self.until(are_there)
        assert await self.booked(key) == numbers

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        until_s = time.monotonic() + BOUND_S
        while not await holds():
            assert time.monotonic() < until_s, "it did not come"
            await asyncio.sleep(0.01)

    async def unsent(self) -> int:
        table = self.ledger.tables.outbox
        async with self._shop_database.read() as connection:
            return len((await connection.execute(select(table.c.id).where(table.c.sent_at.is_(None)))).all())

    async def close(self) -> None:
        await self.bank_database.close()
        await self._shop_database.close()


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(params=["push", pytest.param("jetstream", marks=pytest.mark.server)])
def road(request: pytest.FixtureRequest, session: aiohttp.ClientSession, watched: Watched) -> Road:
    if request.param == "push":
        return PushRoad(session, watched.telemetry)
    return NatsRoad(request.getfixturevalue("nats"))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def _town(road: Road, watched: Watched, folder: Path) -> AsyncIterator[Town]:
    ledger = Ledger()
    files = SqliteDatabases(folder)
    shop_url, bank_url = await files.with_tables(ledger.metadata), await files.with_tables(ledger.metadata)
    town = Town(road, watched.telemetry, shop_url, bank_url, ledger)
    yield town
    await town.close()


@pytest_asyncio.fixture
async def town(road: Road, watched: Watched, tmp_path: Path) -> AsyncIterator[Town]:
    async for town in _town(road, watched, _made(tmp_path / "databases")):
        yield town


@pytest_asyncio.fixture
async def nats_town(nats: NatsServer, watched: Watched, tmp_path: Path) -> AsyncIterator[Town]:
    async for town in _town(NatsRoad(nats), watched, _made(tmp_path / "databases")):
        yield town


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest_asyncio.fixture
async def database(databases: Databases, ledger: Ledger) -> AsyncIterator[Database]:
    """A new database of either kind with the tables of `ledger`."""
    url = await databases.with_tables(ledger.metadata)
    opened = open_database(url)
    yield opened
    await opened.close()
    await databases.discard(url)
