"""Rows that several writers may want to add at the same time."""

from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_new(connection: AsyncConnection, table: Table, values: Mapping[str, object]) -> bool:
    """Adds a row unless one of the table's unique keys is taken; True when the row is new.

    On PostgreSQL this waits for a concurrent writer of the same key to commit or to roll back, so that False means a row which
    this transaction's next statement sees. Only the two databases that services run on know such an INSERT.
    """
    added = await connection.execute(_insert_if_new(table, connection.dialect.name), dict(values))
    return added.rowcount == 1


@lru_cache(maxsize=64)
def _insert_if_new(table: Table, dialect_name: str) -> Insert:
    """Made once: that costs several times what it costs to execute."""
    dialect = postgresql if dialect_name == "postgresql" else sqlite
    statement: Insert = dialect.insert(table).on_conflict_do_nothing()
    return statement
