"""A service's own database: an async SQLAlchemy engine, and transactions that say whether they write.

SQLite by default, shared by a service's replicas: writers take the lock at once (`BEGIN IMMEDIATE`), because a transaction
that starts reading and then wants to write can only fail. PostgreSQL by URL. Transactions are short and never wait for the
network, and everything has a bound: connections, the wait for one, a statement, and a transaction that nobody goes on with.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from opentelemetry.trace import Tracer
from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from observability import names
from observability.metrics import Metrics
from observability.sql import trace_statements
from services.kit.busy import is_locked, is_passing_state
from services.kit.connections import show_database
from services.kit.database_url import parse_database_url
from services.kit.sqlite_driver import connector
from services.kit.sqlite_writer import connect_to_write
from services.kit.uncut import uncut

T = TypeVar("T")
BUSY_TIMEOUT_MS = 5_000
"""For a connection of the pool, for SQLite's lock, and for one statement of PostgreSQL's, its locks included."""
ABANDONED_TIMEOUT_MS = 5_000
"""After which PostgreSQL ends a transaction that nobody goes on with: its replica is paused, and its siblings wait."""
CONNECT_TIMEOUT_S = 5.0
READERS, MORE_READERS = 4, 4
WRITERS_OF_SQLITE = 1
"""SQLite has one writer at a time: waiting for it in a queue is fair, waiting for its lock is not."""
READERS_OF_POSTGRESQL = WRITERS_OF_POSTGRESQL = 3
"""Of a replica: sixteen replicas fit under the 100 connections that a PostgreSQL server takes by default."""
MAKING_ATTEMPTS, MAKING_PAUSE_S = 200, 0.05
"""Of making a new file, in all longer than another replica takes to make it."""


class Database:
    """One service's database: a pool that reads, and one that writes.

    Readers commit each statement by itself. A transaction around a single SELECT would cost three trips to the driver's thread
    instead of one, which is more than the SELECT.

    Raises:
        DatabaseUrlError: The URL names no database that can be used.
    """

    def __init__(self, url: str, tracer: Tracer, name: str) -> None:
        parsed = parse_database_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        self._writer = writing_engine(parsed, name, WRITERS_OF_SQLITE if is_sqlite else WRITERS_OF_POSTGRESQL)
        self._reader = _reading_engine(parsed, name)
        for engine in (self._writer, self._reader):
            trace_statements(engine.sync_engine, tracer, name)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """For single statements; each sees the latest committed state. Whoever reads may be cancelled at any moment."""
        try:
            async with aclosing(await self._reader.connect()) as connection:  # Without SQLAlchemy's own task for it.
                yield connection
        except Exception as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # SQLAlchemy may say it in other words, of a connection it threw away.
                raise asyncio.CancelledError from error
            raise

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed on leaving and rolled back on an error."""
        async with aclosing(await self._writer.connect()) as connection, connection.begin():
            yield connection

    def show_in(self, metrics: Metrics) -> None:
        """Makes the gauges of `metrics` tell of both pools."""
        show_database(metrics, self._reader, names.POOL_READ)
        show_database(metrics, self._writer, names.POOL_WRITE)

    async def close(self) -> None:
        """Closes all connections."""
        await self._reader.dispose()
        await self._writer.dispose()


def writing_engine(url: URL, name: str, pool_size: int = 1) -> AsyncEngine:
    """An engine whose transactions are to write; `name` is how PostgreSQL's own views call its connections."""
    if url.get_backend_name() != "sqlite":
        return _engine(url, name, pool_size, 0)
    path = str(url.database)
    engine = _engine(url, name, pool_size, 0, creator=lambda: connect_to_write(path, BUSY_TIMEOUT_MS))
    event.listen(engine.sync_engine, "begin", _begin_with_lock)
    return engine


def _reading_engine(url: URL, name: str) -> AsyncEngine:
    each_by_itself = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    if url.get_backend_name() != "sqlite":
        return _engine(url, name, READERS_OF_POSTGRESQL, 0, **each_by_itself)
    opener = connector(str(url.database), BUSY_TIMEOUT_MS)
    return _engine(url, name, READERS, MORE_READERS, async_creator=opener, **each_by_itself)


async def until_unlocked(attempt: Callable[[], Awaitable[T]]) -> T:
    """What `attempt` returns, once SQLite's lock lets it.

    While one process switches a new file to WAL, SQLite tells the others that it is locked at once, whatever the busy timeout:
    one in twelve pairs that started together met this. So they try again, without holding up the event loop, which the one
    that makes the file may be sharing. Any other error is passed on.
    """
    for _ in range(MAKING_ATTEMPTS - 1):
        try:
            return await attempt()
        except (sqlite3.OperationalError, DBAPIError) as error:
            if not is_locked(error):
                raise
        await asyncio.sleep(MAKING_PAUSE_S)
    return await attempt()


def _engine(url: URL, name: str, pool_size: int, max_overflow: int, **options: Any) -> AsyncEngine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=BUSY_TIMEOUT_MS / 1_000,
        connect_args={} if is_sqlite else _postgresql_arguments(name),
        hide_parameters=True,  # Errors reach logs, and the values are data of its users.
        **options,
    )
    if not is_sqlite:
        event.listen(engine.sync_engine, "do_connect", _connect_to_postgresql)
    return engine


def _connect_to_postgresql(dialect: Dialect, _entry: ConnectionPoolEntry, arguments: Any, options: Any) -> DBAPIConnection:
    """Connects; what the driver raises by itself becomes an error of SQLAlchemy's, like that of any statement."""
    driver: Any = dialect.loaded_dbapi
    try:
        return dialect.connect(*arguments, **options)
    except OSError as error:  # A TimeoutError is one.
        raise driver.InterfaceError(str(error)) from error
    except Exception as error:
        state = getattr(error, "sqlstate", None)
        if state is None:
            raise
        kind = driver.InterfaceError if is_passing_state(state) else driver.OperationalError
        raise kind(str(error)) from error


def _postgresql_arguments(name: str) -> dict[str, object]:
    bounds = {"statement_timeout": BUSY_TIMEOUT_MS, "idle_in_transaction_session_timeout": ABANDONED_TIMEOUT_MS}
    settings = {key: str(value) for key, value in bounds.items()}
    # Just-in-time compilation costs our small statements more than they take.
    server_settings = {"application_name": name, "jit": "off", **settings}
    return {"timeout": CONNECT_TIMEOUT_S, "server_settings": server_settings, "async_creator_fn": _connect_whole}


async def _connect_whole(*arguments: Any, **options: Any) -> object:
    """Makes a connection of asyncpg's. Cut in the middle, it would leave an error behind that nobody takes."""
    import asyncpg  # noqa: PLC0415 - a process with a file needs no driver of PostgreSQL's.

    connecting = asyncio.ensure_future(asyncpg.connect(*arguments, **options))
    try:
        return await uncut(connecting)
    except asyncio.CancelledError:
        if not connecting.cancelled() and connecting.exception() is None:
            connecting.result().terminate()
        raise


def _begin_with_lock(connection: Connection) -> None:
    writing: Any = connection.connection.dbapi_connection
    writing.begin()
