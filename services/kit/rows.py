"""Rows that several writers may want to add at the same time."""

from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import Insert, Table
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class _InsertIfNew(Insert):
    """An INSERT that both databases understand and SQLAlchemy compiles once. Its own, one for each, it compiles every time."""

    inherit_cache = True


@compiles(_InsertIfNew)
def _insert_if_new(statement: _InsertIfNew, compiler: SQLCompiler, **options: object) -> str:
    plain: str = compiler.visit_insert(statement, **options)  # type: ignore[no-untyped-call]  # it is untyped
    return f"{plain} ON CONFLICT DO NOTHING"


async def insert_new(connection: AsyncConnection, table: Table, values: Mapping[str, object]) -> bool:
    """Adds a row unless one of the table's unique keys is taken; True when the row is new.

    On PostgreSQL this waits for a concurrent writer of the same key to commit or to roll back, so that False means a row which
    this transaction's next statement sees.
    """
    return (await connection.execute(_of(table), dict(values))).rowcount == 1


@lru_cache(maxsize=64)
def _of(table: Table) -> _InsertIfNew:
    return _InsertIfNew(table).inline()  # Else a RETURNING of a key that was not given would come before its last words.
