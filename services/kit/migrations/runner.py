"""Brings databases to head with Alembic: `python -m services.kit.migrations.runner`, for the service of this environment.

One transaction a database, whatever it has to change, so that a failure leaves it as it was. Any number of runners may start
at once: the first takes the lock (SQLite: the file's; PostgreSQL: an advisory one), and the others find nothing left to do.
Nothing leads down again: data that a migration dropped cannot be had back from code, only from a backup.
"""

import asyncio
import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.document import DocumentError
from services.kit.database import until_unlocked, writing_engine
from services.kit.database_url import parse_database_url
from services.kit.migrations.errors import MigrationError, SchemaError
from services.kit.migrations.readiness import describe, revision_of
from services.kit.migrations.revisions import Revisions
from services.kit.settings import Settings

LOCK_WAIT_S = 30
"""For another runner, and for whoever uses a table that changes."""
_ENVIRONMENT = Path(__file__).parent / "environment"
_LOCK = 5_714_623_910
"""Of this program, among the advisory locks of a PostgreSQL database."""


async def migrate(url: str, revisions: Revisions) -> bool:
    """Brings a database to head; False when it was there.

    Raises:
        NewerSchemaError: The database is ahead of this program; nothing was done.
        MigrationError: A migration failed, or the database cannot be used; nothing was done.
        DatabaseUrlError: The URL names no database that can be used.
    """
    parsed = parse_database_url(url)
    engine = writing_engine(parsed, f"{revisions.service} migration")

    async def attempt() -> bool:
        async with engine.begin() as connection:
            await _lock(connection)
            if revisions.is_head(await revision_of(connection)):
                return False
            await connection.run_sync(lambda plain: command.upgrade(configuration(plain, revisions), "head"))
            return True

    try:
        return await until_unlocked(attempt)
    except SchemaError:
        raise
    except Exception as error:
        where = parsed.render_as_string()
        raise MigrationError(f"{revisions.service}: cannot migrate {where} to {revisions.head}: {describe(error)}") from error
    finally:
        await engine.dispose()


def configuration(connection: Connection | None, revisions: Revisions, metadata: MetaData | None = None) -> Config:
    """Alembic's, for one service's migrations over an open connection; none where only the files are looked at."""
    config = Config()
    # Percent signs are Alembic's for interpolation; one path a line is the only separator that a path cannot hold.
    config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(revisions.folder / "versions").replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config


async def _lock(connection: AsyncConnection) -> None:
    """SQLite's transaction has begun with the lock."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET LOCAL statement_timeout = 0"))  # A large table takes what it takes.
        await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'"))
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def main() -> None:
    """Migrates the database of FIREBREAK_SERVICE at FIREBREAK_DATABASE_URL. Exits with 2, after one line, when it cannot."""
    try:
        settings = Settings.from_environment(os.environ)
        revisions = _revisions(settings)
        changed = asyncio.run(migrate(settings.database_url, revisions))
    except (SchemaError, DocumentError, ValueError, OSError) as error:
        sys.exit(_refuse(str(error)))
    sys.stdout.write(f"{settings.service}: {'brought to' if changed else 'already at'} revision {revisions.head}\n")


def _revisions(settings: Settings) -> Revisions:
    services = settings.load_topology().services
    known = {name: Revisions.of(name, service.module) for name, service in services.items() if service.database}
    revisions = known.get(settings.service)
    if revisions is None:
        having = ", ".join(name for name, each in known.items() if each)
        raise SchemaError(f"FIREBREAK_SERVICE: {settings.service} has no migrations; those that have: {having}")
    return revisions


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 2


if __name__ == "__main__":
    main()
