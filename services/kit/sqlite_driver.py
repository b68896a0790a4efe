"""SQLite's driver for reading, with one trip to its thread for a statement instead of three or four.

aiosqlite runs every call in a thread of the connection's own: making a cursor, executing, fetching and closing are a trip
each, and a trip costs more than most of our statements. SQLAlchemy always takes all of them together, so they can be one.
Adapts aiosqlite 0.22 (`Connection._execute` and `_conn`); tests/services/kit/test_sqlite_driver.py pins what it relies on.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import aiosqlite

Row: TypeAlias = tuple[object, ...]
Parameters: TypeAlias = Sequence[object]
_CHUNK = 64  # Of aiosqlite's own iteration, which SQLAlchemy does not use.


@dataclass(slots=True)
class _Outcome:
    """What a statement has left behind once its cursor is closed."""

    rows: Sequence[Row] = ()
    description: object = None
    lastrowid: int | None = None
    rowcount: int = -1


class OneTripCursor:
    """The part of aiosqlite's cursor that SQLAlchemy uses."""

    def __init__(self, connection: "OneTripConnection") -> None:
        self._connection = connection
        self._outcome = _Outcome()

    @property
    def description(self) -> object:
        """Of the columns, as sqlite3 has it; None for a statement without rows."""
        return self._outcome.description

    @property
    def lastrowid(self) -> int | None:
        """Of the row inserted last."""
        return self._outcome.lastrowid

    @property
    def rowcount(self) -> int:
        """Rows changed; -1 for a statement that changes none."""
        return self._outcome.rowcount

    async def execute(self, statement: str, parameters: Parameters = ()) -> None:
        """Executes, fetches and closes."""
        self._outcome = await self._connection.run(_execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Sequence[Parameters]) -> None:
        """Executes once for each of `parameters`."""
        self._outcome = await self._connection.run(_execute_many, statement, parameters)

    async def fetchall(self) -> Sequence[Row]:
        """What the statement found."""
        return self._outcome.rows

    async def close(self) -> None:
        """Nothing is open."""


class OneTripConnection(aiosqlite.Connection):
    """A connection whose statements are one trip each."""

    async def cursor(self) -> OneTripCursor:  # type: ignore[override]  # as much of a cursor as SQLAlchemy uses
        """A cursor, without a trip."""
        return OneTripCursor(self)

    async def run(self, work: Callable[..., _Outcome], *arguments: object) -> _Outcome:
        """Runs `work` with the connection in its thread."""
        outcome: _Outcome = await self._execute(work, self._conn, *arguments)  # type: ignore[no-untyped-call]  # it is untyped
        return outcome


def connector(path: str, patience_ms: int) -> Callable[[], OneTripConnection]:
    """Makes connections to the file at `path`, which wait for a lock for up to `patience_ms`; awaiting one opens it."""

    def connect() -> OneTripConnection:
        connection = OneTripConnection(partial(open_file, path, patience_ms), _CHUNK)
        connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does: a process that ends does not wait for it.
        return connection

    return connect


def open_file(path: str, patience_ms: int) -> sqlite3.Connection:
    """A connection to the file at `path`, of a log beside the file (WAL), that begins no transaction by itself."""
    connection = sqlite3.connect(path, patience_ms / 1_000, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-1024"):
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()
        raise
    return connection


def _execute(connection: sqlite3.Connection, statement: str, parameters: Parameters) -> _Outcome:
    cursor = connection.execute(statement, parameters)
    try:
        rows = cursor.fetchall() if cursor.description else ()
        return _Outcome(rows, cursor.description, cursor.lastrowid, cursor.rowcount)
    finally:
        cursor.close()


def _execute_many(connection: sqlite3.Connection, statement: str, parameters: Sequence[Parameters]) -> _Outcome:
    cursor = connection.executemany(statement, parameters)
    try:
        return _Outcome((), None, cursor.lastrowid, cursor.rowcount)
    finally:
        cursor.close()
