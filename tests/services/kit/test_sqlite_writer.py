"""The writing driver does what SQLAlchemy's own does, waits for the lock without the event loop, and keeps the log short."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit import database as kit_database
from services.kit import sqlite_writer
from services.kit.database import writing_engine
from services.kit.database_url import parse_database_url
from services.kit.uncut import whole

THINGS = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("name", String(20), unique=True))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "things.sqlite"


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[AsyncEngine]:
    made = writing_engine(parse_database_url(f"sqlite:///{path}"), "tests")
    async with made.begin() as connection:
        await connection.run_sync(THINGS.metadata.create_all)
    yield made
    await made.dispose()


@pytest.fixture
def sibling(path: Path, engine: AsyncEngine) -> sqlite3.Connection:
    """Another process's connection."""
    del engine  # It makes the file.
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


async def add(engine: AsyncEngine, *names: str) -> None:
    async with engine.begin() as connection:
        for name in names:
            await connection.execute(insert(THINGS).values(name=name))


async def found(engine: AsyncEngine) -> list[str]:
    async with engine.begin() as connection:
        return list((await connection.execute(select(THINGS.c.name).order_by(THINGS.c.id))).scalars())


async def test_statements_tell_of_their_effect(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        added = await connection.execute(insert(THINGS).values(name="first"))
        assert (added.inserted_primary_key, added.rowcount) == ((1,), 1)
        await connection.execute(insert(THINGS), [{"name": "second"}, {"name": "third"}])
        changed = await connection.execute(update(THINGS).where(THINGS.c.id > 1).values(name=THINGS.c.name + "!"))
        assert changed.rowcount == 2
        number = await connection.execute(insert(THINGS).values(name="fourth").returning(THINGS.c.id))
        assert number.scalar_one() == 4
        assert (await connection.execute(select(THINGS).where(THINGS.c.id > 9))).first() is None
    assert await found(engine) == ["first", "second!", "third!", "fourth"]


async def test_a_transaction_that_fails_leaves_nothing_and_the_connection_usable(engine: AsyncEngine) -> None:
    with pytest.raises(IntegrityError):
        await add(engine, "twice", "twice")
    await add(engine, "kept")
    assert await found(engine) == ["kept"]


async def test_the_event_loop_goes_on_while_the_lock_is_waited_for(engine: AsyncEngine, sibling: sqlite3.Connection) -> None:
    sibling.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(add(engine, "mine"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    sibling.execute("INSERT INTO things (name) VALUES ('theirs')")
    sibling.execute("COMMIT")
    await waiting
    sibling.close()
    assert await found(engine) == ["theirs", "mine"]


async def test_a_lock_that_never_comes_is_waited_for_no_longer_than_its_bound(
    path: Path, sibling: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit_database, "BUSY_TIMEOUT_MS", 20)
    impatient = writing_engine(parse_database_url(f"sqlite:///{path}"), "tests")
    assert await found(impatient) == []
    sibling.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await add(impatient, "mine")
    sibling.execute("ROLLBACK")
    sibling.close()
    await add(impatient, "later")
    assert await found(impatient) == ["later"]
    await impatient.dispose()


async def test_whoever_is_cancelled_while_it_waits_for_the_lock_holds_up_nobody(
    engine: AsyncEngine, sibling: sqlite3.Connection
) -> None:
    sibling.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(whole(add)(engine, "mine"))
    for _ in range(20):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    sibling.execute("COMMIT")
    with pytest.raises(asyncio.CancelledError):
        await waiting
    sibling.execute("BEGIN IMMEDIATE")  # At once, or it raises.
    sibling.execute("ROLLBACK")
    sibling.close()
    assert await found(engine) == ["mine"]


async def test_the_log_beside_the_file_stays_short(engine: AsyncEngine, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_writer, "CHECKPOINT_EVERY", 10)
    for number in range(60):
        await add(engine, f"thing {number}")
    log = path.with_name(f"{path.name}-wal")
    assert log.stat().st_size < 25 * 4_200 * 3  # Two rounds of at most three pages a commit; without any it would hold sixty.
    assert len(await found(engine)) == 60
