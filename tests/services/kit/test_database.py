"""A service's database, of either kind: what it bounds, and what it tells."""

import asyncio

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from observability import names
from services.kit import database as kit_database
from services.kit.busy import is_database_busy
from services.kit.database import Database
from tests.postgres import PostgresServer
from tests.services.databases import Databases, open_database

METADATA = MetaData()
BOXES = Table("boxes", METADATA, Column("id", Integer, primary_key=True), Column("label", String(20)))


async def test_a_statement_is_a_span_that_names_the_kind_of_database(databases: Databases) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    url = await databases.with_tables(METADATA)
    database = Database(url, provider.get_tracer("test"), "shop")
    with provider.get_tracer("test").start_as_current_span("request"):
        async with database.write() as connection:
            await connection.execute(insert(BOXES).values(id=1, label="a"))
        async with database.read() as connection:
            await connection.execute(select(BOXES.c.label))
    await database.close()
    kind = url.partition("+")[0].partition(":")[0]
    told = [(span.name, (span.attributes or {}).get(names.ATTR_DB_SYSTEM)) for span in spans.get_finished_spans()]
    assert told == [("INSERT shop", kind), ("SELECT shop", kind), ("request", None)]


async def test_a_transaction_that_fails_leaves_nothing(databases: Databases) -> None:
    database = open_database(await databases.with_tables(METADATA))

    async def add_twice() -> None:
        async with database.write() as connection:
            for _ in range(2):
                await connection.execute(insert(BOXES).values(id=1, label="ann-the-secret"))

    with pytest.raises(IntegrityError) as failed:
        await add_twice()
    async with database.read() as connection:
        assert (await connection.execute(select(BOXES))).all() == []
    await database.close()
    assert "ann-the-secret" not in str(failed.value)


async def test_a_reader_sees_what_was_committed_last(databases: Databases) -> None:
    database = open_database(await databases.with_tables(METADATA))
    async with database.read() as reader:
        before = (await reader.execute(select(BOXES.c.id))).scalars().all()
        async with database.write() as writer:
            await writer.execute(insert(BOXES).values(id=1))
        after = (await reader.execute(select(BOXES.c.id))).scalars().all()
    await database.close()
    assert (before, after) == ([], [1])


@pytest.mark.parametrize("mode", ["read", "write"])
async def test_a_server_that_is_not_there_is_a_database_that_is_busy(mode: str) -> None:
    database = open_database("postgresql://shop:geheim@127.0.0.1:1/shop")
    with pytest.raises(DBAPIError) as failed:
        async with database.read() if mode == "read" else database.write():
            pass
    await database.close()
    assert is_database_busy(failed.value)
    assert "geheim" not in str(failed.value)


@pytest.mark.server
async def test_a_wrong_password_is_no_database_that_is_busy(postgres: PostgresServer) -> None:
    database = open_database(postgres.url("postgres", password="wrong"))
    with pytest.raises(DBAPIError) as failed:
        async with database.read():
            pass
    await database.close()
    assert not is_database_busy(failed.value)


@pytest.mark.server
async def test_a_statement_of_postgresql_that_takes_too_long_is_ended(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit_database, "BUSY_TIMEOUT_MS", 50)
    database = open_database(postgres.url("postgres"))
    with pytest.raises(DBAPIError, match="statement timeout") as failed:
        async with database.read() as connection:
            await connection.execute(text("SELECT pg_sleep(30)"))
    await database.close()
    assert is_database_busy(failed.value)


@pytest.mark.server
async def test_a_replica_that_stays_away_inside_a_write_lets_its_siblings_go_on(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit_database, "ABANDONED_TIMEOUT_MS", 50)
    postgres.ask("postgres", "CREATE TABLE parcels (id integer PRIMARY KEY, label text); INSERT INTO parcels VALUES (1, 'new')")
    paused, sibling = open_database(postgres.url("postgres")), open_database(postgres.url("postgres"))
    take = text("UPDATE parcels SET label = :label WHERE id = 1")

    async def pause_within_a_write() -> None:
        async with paused.write() as connection:
            await connection.execute(take, {"label": "paused"})
            async with asyncio.timeout(10), sibling.write() as other:
                await other.execute(take, {"label": "sibling"})
            await connection.execute(take, {"label": "too late"})

    with pytest.raises(DBAPIError) as failed:
        await pause_within_a_write()
    assert is_database_busy(failed.value)
    await paused.close()
    await sibling.close()
    assert postgres.ask("postgres", "SELECT label FROM parcels") == "sibling"
