"""SQLite's driver for writing: statements run where they are asked for, in the event loop's own thread.

A transaction that writes is short by rule, and holds everybody else up: a few statements by key, of some hundredths of a
millisecond each. A trip to another thread for each of them costs many times that, of the processor and of the time for which the
lock is held. What may take long is left to a thread: waiting for the lock, and moving the log into the file. Reading is another
matter (sqlite_driver.py), for a query may take as long as it likes.

Adapts SQLAlchemy 2.0's asyncio dialect of SQLite; tests/services/kit/test_sqlite_writer.py pins what that asks for.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.util.concurrency import await_only

from services.kit.busy import is_locked
from services.kit.sqlite_driver import open_file
from services.kit.uncut import uncut

Result = TypeVar("Result")
CHECKPOINT_EVERY = 200
"""Commits after which the log is moved into the file: about a thousand pages, at which SQLite would do it within a commit, and
have the event loop wait for the disk."""


class _Now(Awaitable[None]):
    """Awaited, and here already."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class WritingCursor(sqlite3.Cursor):
    """Executes at once. SQLAlchemy, which takes a driver that never awaits for a mistake, sees it await nothing."""

    def execute(self, statement: str, parameters: Any = (), /) -> "WritingCursor":
        """The driver's own."""
        await_only(_Now())
        super().execute(statement, parameters)
        return self

    def executemany(self, statement: str, parameters: Any, /) -> "WritingCursor":
        """The driver's own."""
        await_only(_Now())
        super().executemany(statement, parameters)
        return self

    async def _async_soft_close(self) -> None:
        """Rows that are not read yet can be read at any moment."""


class WritingConnection(AdaptedConnection):
    """A connection for transactions, used by one at a time, whose methods are called where SQLAlchemy may await.

    Args:
        driver: To a file, usable in any thread.
        patience_ms: For the lock.
    """

    _connection: Any

    def __init__(self, driver: sqlite3.Connection, patience_ms: int) -> None:
        self._connection = self._driver = driver
        self._patience_ms = patience_ms
        self._commits = 0
        # Within the event loop nobody waits: neither for a lock, nor for the log to be moved into the file.
        driver.execute("PRAGMA busy_timeout=0")
        driver.execute("PRAGMA wal_autocheckpoint=0")

    def begin(self) -> None:
        """Begins a transaction with the lock. Raises sqlite3.OperationalError when it was waited for in vain."""
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            _in_thread(self._begin_in_turn)

    def cursor(self) -> WritingCursor:
        """For one statement."""
        return WritingCursor(self._driver)

    def commit(self) -> None:
        """Commits, if there is anything to commit."""
        if not self._driver.in_transaction:
            return
        self._driver.commit()
        self._commits += 1
        if self._commits % CHECKPOINT_EVERY == 0:  # As much as nobody is reading; the rest is for the next time.
            _in_thread(lambda: self._driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())

    def rollback(self) -> None:
        """Rolls back, if there is anything to roll back."""
        self._driver.rollback()

    def close(self) -> None:
        """Ends the connection."""
        self._driver.close()

    terminate = close

    def create_function(self, *arguments: Any, **options: Any) -> None:
        """The dialect's own functions."""
        self._driver.create_function(*arguments, **options)

    def _begin_in_turn(self) -> None:
        self._driver.execute(f"PRAGMA busy_timeout={self._patience_ms}")
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        finally:
            self._driver.execute("PRAGMA busy_timeout=0")


def connect_to_write(path: str, patience_ms: int) -> WritingConnection:
    """A connection to the file at `path`, which waits for a lock for up to `patience_ms`. Called where SQLAlchemy may await."""
    return WritingConnection(_in_thread(lambda: open_file(path, patience_ms)), patience_ms)


def _in_thread(work: Callable[[], Result]) -> Result:
    """Awaits `work`, to its end: whoever is cancelled must not leave a connection that a thread still uses."""
    return await_only(uncut(asyncio.get_running_loop().run_in_executor(None, work)))
