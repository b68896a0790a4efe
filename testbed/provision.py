"""A database and a role for each service on one PostgreSQL server: no service can read, or even connect to, another's data."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import asyncpg

from services.kit.migrations.errors import SchemaError

CONNECT_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_S = 20.0
"""Making a database copies files, and waits for the disk."""


async def provision(server: str, urls: Mapping[str, str]) -> None:
    """Makes the role and the database that each URL names, unless they exist; each role gets its URL's password.

    Args:
        server: URL of the server, with a user who may make roles and databases.
        urls: Of the services' databases on it, made by testbed.data: their names need no quotes.

    Raises:
        SchemaError: The server cannot be reached, or refuses; the text names neither password.
    """
    parts = urlsplit(server)
    where = f"{parts.hostname}:{parts.port or 5432}"
    try:
        connection = await asyncpg.connect(
            server, database="postgres", timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_S
        )
        try:
            for url in urls.values():
                await _make(connection, url)
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise SchemaError(f"the PostgreSQL server at {where} cannot be prepared as {parts.username}: {reason}") from None


async def _make(connection: "asyncpg.Connection", url: str) -> None:
    parts = urlsplit(url)
    role, database = parts.username, parts.path.removeprefix("/")
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if exists else "CREATE"
    await connection.execute(f"{verb} ROLE {role} LOGIN NOCREATEDB NOCREATEROLE PASSWORD '{parts.password}'")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
        # Only its own members may make a database for a role; a superuser is a member of every one.
        await connection.execute(f"GRANT {role} TO CURRENT_USER")
        await connection.execute(f"CREATE DATABASE {database} OWNER {role} TEMPLATE template0 ENCODING 'UTF8'")
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
