"""A replica's wait for its database, which the migrating process may be bringing to head at this moment."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from opentelemetry.trace import NoOpTracer
from sqlalchemy import Connection, Engine, column, inspect, select, table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.database_url import parse_database_url
from services.kit.migrations.errors import NotAtHeadError
from services.kit.migrations.revisions import Revisions

WAIT_S = 15.0
"""Below the supervisor's patience with a process that starts, so that its last words are these."""
PAUSE_S = 0.025
_VERSION = table("alembic_version", column("version_num"))
_MAX_REASON = 200
Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection]]


async def wait_for_head(url: str, revisions: Revisions, wait_s: float = WAIT_S, pause_s: float = PAUSE_S) -> None:
    """Returns once the database is at head.

    Raises:
        NewerSchemaError: It is ahead of this program: waiting would not help.
        NotAtHeadError: It was not there after `wait_s`; the text says what was in the way last.
        DatabaseUrlError: The URL names no database that can be used.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    database = Database(url, NoOpTracer(), revisions.service)
    try:
        while obstacle := await _obstacle(url, database.read, revisions):
            if loop.time() >= deadline:
                raise NotAtHeadError(f"{obstacle}; waited {wait_s:g} s")
            await asyncio.sleep(pause_s)
    finally:
        await database.close()


async def revision_of(connection: AsyncConnection) -> str | None:
    """The revision a database is at; None for one that was never migrated."""
    return await connection.run_sync(_read_revision)


def describe(error: Exception) -> str:
    """An error of a driver in one line; what SQLAlchemy adds (the statement, a link) is left out."""
    adapted = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    cause = adapted.__cause__ or adapted  # What the driver itself said.
    return f"{type(cause).__name__}: {cause}".partition("\n")[0][:_MAX_REASON]


async def _obstacle(url: str, connect: Connect, revisions: Revisions) -> str:
    """Why the database is not usable yet; empty when it is. Raises NewerSchemaError."""
    what = f"the database of {revisions.service}"
    parsed = parse_database_url(url)
    if parsed.get_backend_name() == "sqlite" and not os.path.exists(parsed.database or ""):  # noqa: PTH110, ASYNC240 - one stat
        return f"{what} ({parsed.database}) does not exist"  # Connecting would make it, in the migrating process's way.
    try:
        async with connect() as connection:
            revision = await revision_of(connection)
    except Exception as error:  # noqa: BLE001 - drivers raise errors of their own while they connect.
        return f"{what} ({parsed.render_as_string()}) cannot be used: {describe(error)}"
    if revisions.is_head(revision):
        return ""
    return f"{what} is at revision {revision or 'none'}, and this program needs {revisions.head}"


def _read_revision(connection: Connection) -> str | None:
    where: Connection | Engine = connection
    if not inspect(where).has_table(_VERSION.name):
        return None
    revision: str | None = connection.execute(select(_VERSION.c.version_num)).scalar()
    return revision
