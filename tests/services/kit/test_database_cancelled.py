"""A database whose callers leave at any moment is as good as one whose callers stay, of either kind."""

import asyncio
import random
from collections import Counter

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import Column, Engine, Integer, MetaData, Table, event, insert, select, text

from observability import names
from services.kit.database import Database
from services.kit.uncut import whole
from tests.postgres import PostgresServer
from tests.services.databases import Databases, open_database

METADATA = MetaData()
BOXES = Table("boxes", METADATA, Column("id", Integer, primary_key=True), Column("pair", Integer))
SLOW = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20000) SELECT count(*) FROM c"
AT_ONCE_S = 3.0
"""Shorter than any wait for a lock or a connection."""


class Shelf:
    """Adds boxes in pairs."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @whole
    async def add(self, number: int) -> None:
        async with self.database.write() as connection:
            for half in (0, 1):
                await connection.execute(insert(BOXES).values(id=2 * number + half, pair=number))

    async def count(self) -> int:
        async with self.database.read() as connection:
            found: int = (await connection.execute(text(SLOW))).scalar_one()
            return found


async def leave(tasks: list[asyncio.Task[None]] | list[asyncio.Task[int]], seed: int) -> list[BaseException | int | None]:
    """Cancels every task after a moment of its own."""
    rng = random.Random(seed)
    for task in tasks:
        await asyncio.sleep(rng.random() * 0.003)
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_reads_that_are_cancelled_hold_up_nobody(databases: Databases) -> None:
    shelf = Shelf(open_database(await databases.with_tables(METADATA)))
    ends: Counter[str] = Counter()
    for seed in range(10):
        ended = await leave([asyncio.create_task(shelf.count()) for _ in range(10)], seed)
        ends.update(type(each).__name__ for each in ended)
    async with asyncio.timeout(AT_ONCE_S):
        assert set(await asyncio.gather(*(shelf.count() for _ in range(12)))) == {20_000}
    await shelf.database.close()
    assert ends["CancelledError"] > 0
    assert set(ends) <= {"CancelledError", "int"}


async def test_writes_that_are_cancelled_are_made_whole_and_hold_up_no_other_replica(databases: Databases) -> None:
    url = await databases.with_tables(METADATA)
    shelf, other = Shelf(open_database(url)), Shelf(open_database(url))
    for seed in range(8):
        await leave([asyncio.create_task(shelf.add(10 * seed + number)) for number in range(10)], seed)
        async with asyncio.timeout(AT_ONCE_S):
            await other.add(1_000 + seed)
    async with shelf.database.read() as connection:
        pairs = Counter((await connection.execute(select(BOXES.c.pair))).scalars())
    await shelf.database.close()
    await other.database.close()
    assert len(pairs) > 8
    assert set(pairs.values()) == {2}


async def test_a_statement_that_is_cancelled_ends_its_span_and_is_no_error(databases: Databases) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    shelf = Shelf(Database(await databases.with_tables(METADATA), provider.get_tracer("test"), "shop"))
    await shelf.count()
    started = asyncio.Event()
    event.listen(Engine, "before_cursor_execute", lambda *_: started.set(), once=True)
    with provider.get_tracer("test").start_as_current_span("request"):
        task = asyncio.create_task(shelf.count())
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await shelf.database.close()
    (statement,) = [span for span in spans.get_finished_spans() if span.name != "request"]
    assert (statement.attributes or {})[names.ATTR_ERROR_TYPE] == names.CANCELLED
    assert statement.status.is_unset


@pytest.mark.server
async def test_the_server_stops_working_on_what_is_cancelled(postgres: PostgresServer) -> None:
    database = open_database(postgres.url("postgres"))

    async def sleep() -> None:
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_sleep(30)"))

    async def busy() -> int:
        async with database.read() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(30)'"
            found: int = (await connection.execute(text(query))).scalar_one()
            return found

    task = asyncio.create_task(sleep())
    async with asyncio.timeout(AT_ONCE_S):
        while not await busy():  # noqa: ASYNC110 - the server tells nobody.
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while await busy():  # noqa: ASYNC110 - as above.
            await asyncio.sleep(0.01)
    await database.close()
