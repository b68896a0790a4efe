"""A service's own database: an async SQLAlchemy engine, and transactions that say whether they write.

SQLite by default, shared by a service's replicas: writers take the lock at once (`BEGIN IMMEDIATE`), because a transaction
that starts reading and then wants to write can only fail. Transactions are short and never wait for the network.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry.trace import Tracer
from sqlalchemy import Connection, MetaData, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from observability.sql import trace_statements

BUSY_TIMEOUT_MS = 5_000
POOL_SIZE = 4
MAX_OVERFLOW = 4
_WRITES = "firebreak_writes"


class Database:
    """One service's database."""

    def __init__(self, url: str, tracer: Tracer, name: str) -> None:
        self._engine = create_async_engine(
            url, pool_size=POOL_SIZE, max_overflow=MAX_OVERFLOW, pool_timeout=BUSY_TIMEOUT_MS / 1_000
        )
        self._writer = self._engine.execution_options(**{_WRITES: True})
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine.sync_engine, "connect", _configure_sqlite)
            event.listen(self._engine.sync_engine, "begin", _begin_sqlite)
        trace_statements(self._engine.sync_engine, tracer, name)

    async def create(self, metadata: MetaData) -> None:
        """Makes the tables that are missing; replicas may do so at the same time."""
        async with self._writer.begin() as connection:
            await connection.run_sync(metadata.create_all)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view."""
        async with self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed on leaving and rolled back on an error."""
        async with self._writer.begin() as connection:
            yield connection

    async def ping(self) -> None:
        """Raises SQLAlchemyError when the database does not answer."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Closes all connections."""
        await self._engine.dispose()


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # SQLAlchemy's event hands over the driver's adapter, whose driver begins transactions by itself unless told not to.
    adapted: Any = connection
    adapted.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-1024",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # Through a cursor of its own: as a statement of SQLAlchemy's it would be one more span of every transaction.
    cursor = connection.connection.cursor()
    cursor.execute("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")
    cursor.close()
