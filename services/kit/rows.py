"""Rows that several writers may want to add at the same time."""

from collections.abc import Mapping

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_new(connection: AsyncConnection, table: Table, values: Mapping[str, object]) -> bool:
    """Adds a row unless one of the table's unique keys is taken; True when the row is new.

    On PostgreSQL this waits for a concurrent writer of the same key to commit or to roll back, so that False means a row which
    this transaction's next statement sees. Only the two databases that services run on know such an INSERT.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = await connection.execute(dialect.insert(table).values(dict(values)).on_conflict_do_nothing())
    return added.rowcount == 1
