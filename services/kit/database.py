"""A service's own database: an async SQLAlchemy engine, and transactions that say whether they write.

SQLite by default, shared by a service's replicas: writers take the lock at once (`BEGIN IMMEDIATE`), because a transaction
that starts reading and then wants to write can only fail. Transactions are short and never wait for the network.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry.trace import Tracer
from sqlalchemy import Connection, MetaData, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from observability.sql import trace_statements

BUSY_TIMEOUT_MS = 5_000
READERS = 4
WRITERS_OF_SQLITE = 1
"""SQLite has one writer at a time: waiting for it in a queue is fair, waiting for its lock is not."""
WRITERS = 4
MAKING_ATTEMPTS, MAKING_PAUSE_S = 200, 0.05
"""Of making a new file, in all longer than another replica takes to make it."""


class Database:
    """One service's database: a pool that reads, and one that writes.

    Readers commit each statement by itself. A transaction around a single SELECT would cost three trips to the driver's thread
    instead of one, which is more than the SELECT.
    """

    def __init__(self, url: str, tracer: Tracer, name: str) -> None:
        wait_s = BUSY_TIMEOUT_MS / 1_000
        writers = WRITERS_OF_SQLITE if make_url(url).get_backend_name() == "sqlite" else WRITERS
        self._writer = create_async_engine(url, pool_size=writers, max_overflow=0, pool_timeout=wait_s)
        self._reader = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            pool_size=READERS,
            max_overflow=READERS,
            pool_timeout=wait_s,
        )
        for engine in (self._writer.sync_engine, self._reader.sync_engine):
            if engine.dialect.name == "sqlite":
                event.listen(engine, "connect", _configure_sqlite)
            trace_statements(engine, tracer, name)
        if self._writer.dialect.name == "sqlite":
            event.listen(self._writer.sync_engine, "begin", _begin_immediately)

    async def create(self, metadata: MetaData) -> None:
        """Makes the tables that are missing; replicas may do so at the same time.

        While one replica switches a new file to WAL, SQLite tells the others that it is locked at once, whatever the busy
        timeout: one in twelve pairs that started together met this. So they try again, without holding up the event loop,
        which the one that makes the file may be sharing.
        """
        for _ in range(MAKING_ATTEMPTS - 1):
            try:
                await self._create(metadata)
            except (sqlite3.OperationalError, OperationalError):
                await asyncio.sleep(MAKING_PAUSE_S)
            else:
                return
        await self._create(metadata)

    async def _create(self, metadata: MetaData) -> None:
        async with self._writer.begin() as connection:
            await connection.run_sync(metadata.create_all)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """For single statements; each sees the latest committed state."""
        async with self._reader.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed on leaving and rolled back on an error."""
        async with self._writer.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Closes all connections."""
        await self._reader.dispose()
        await self._writer.dispose()


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # SQLAlchemy's event hands over the driver's adapter, whose driver begins transactions by itself unless told not to.
    adapted: Any = connection
    adapted.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-1024",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediately(connection: Connection) -> None:
    # Through a cursor of its own: as a statement of SQLAlchemy's it would be one more span of every transaction.
    cursor = connection.connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    cursor.close()
