"""The one-trip driver does what aiosqlite's own cursor does, and relies on what it has."""

import inspect
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.kit.sqlite_driver import OneTripConnection, connector

THINGS = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("name", String(20), unique=True))


@pytest.fixture(params=["one trip", "stock"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    path = tmp_path / "things.sqlite"
    options = {"async_creator": connector(str(path), 5_000)} if request.param == "one trip" else {}
    made = create_async_engine(f"sqlite+aiosqlite:///{path}", isolation_level="AUTOCOMMIT", **options)
    async with made.begin() as connection:
        await connection.run_sync(THINGS.metadata.create_all)
    yield made
    await made.dispose()


async def test_statements_have_the_same_effect_and_tell_the_same_of_it(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        added = await connection.execute(insert(THINGS).values(name="first"))
        assert (added.inserted_primary_key, added.rowcount) == ((1,), 1)
        await connection.execute(insert(THINGS), [{"name": "second"}, {"name": "third"}])
        changed = await connection.execute(update(THINGS).where(THINGS.c.id > 1).values(name=THINGS.c.name + "!"))
        assert changed.rowcount == 2
    async with engine.connect() as connection:
        rows = (await connection.execute(select(THINGS).order_by(THINGS.c.id))).all()
        assert [tuple(row) for row in rows] == [(1, "first"), (2, "second!"), (3, "third!")]
        assert (await connection.execute(select(THINGS).where(THINGS.c.id > 9))).first() is None


async def test_a_statement_that_fails_leaves_the_connection_usable(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(insert(THINGS).values(name="kept"))
        with pytest.raises(IntegrityError):
            await connection.execute(insert(THINGS).values(name="kept"))
        assert len((await connection.execute(select(THINGS))).all()) == 1


async def test_a_statement_is_one_trip_to_the_thread(tmp_path: Path) -> None:
    connection = await connector(str(tmp_path / "file.sqlite"), 5_000)()
    trips = 0
    execute = connection._execute

    async def counted(*arguments: object) -> object:
        nonlocal trips
        trips += 1
        return await execute(*arguments)  # type: ignore[no-untyped-call]  # it is untyped

    connection._execute = counted  # type: ignore[method-assign]  # counts what it passes on
    cursor = await connection.cursor()
    await cursor.execute("SELECT 1")
    assert list(await cursor.fetchall()) == [(1,)]
    assert trips == 1
    await cursor.close()
    await connection.close()


def test_aiosqlite_still_has_what_the_driver_builds_on() -> None:
    assert {"_execute", "_conn", "cursor"} <= set(dir(aiosqlite.Connection))
    assert list(inspect.signature(aiosqlite.Connection).parameters)[:2] == ["connector", "iter_chunk_size"]
    assert OneTripConnection(lambda: sqlite3.connect(":memory:"), 1)._thread.daemon is False
