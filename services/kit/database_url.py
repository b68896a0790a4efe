"""Where a service keeps its data, as text from outside: checked, and given the asynchronous driver that we use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import URL

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
"""By the URL's first word. Any driver that it names besides is replaced: only these are installed."""
_POSTGRESQL_QUERY = {"host": "host", "port": "port", "ssl": "ssl", "sslmode": "ssl"}
"""What may stand behind `?`: libpq's names, and how asyncpg calls them."""


class DatabaseUrlError(ValueError):
    """The URL names no database that a service can use; the text says what is allowed, and never the password."""


def parse_database_url(text: str) -> "URL":
    """`postgresql://user:password@host/name` or `sqlite:///path`, with the driver to use. Raises DatabaseUrlError."""
    # Settings are read by programs as well that have no database: they are spared a toolkit of 10 MiB.
    from sqlalchemy import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # Their texts repeat the URL, and with it the password.
        raise DatabaseUrlError(f"no database URL; {_allowed()}") from None
    backend = url.drivername.partition("+")[0]
    if backend not in DRIVERS:
        raise DatabaseUrlError(f"no database for {backend!r}; {_allowed()}")
    if not url.database:
        raise DatabaseUrlError(f"the database URL names no database; {_allowed()}")
    url = url.set(drivername=DRIVERS[backend])
    if backend == "sqlite":
        return url
    unknown = [key for key in url.query if key not in _POSTGRESQL_QUERY]
    if unknown:
        raise DatabaseUrlError(f"the database URL has ?{unknown[0]}=; allowed: {', '.join(_POSTGRESQL_QUERY)}")
    return url.set(query={_POSTGRESQL_QUERY[key]: value for key, value in url.query.items()})


def _allowed() -> str:
    return "write postgresql://USER:PASSWORD@HOST:PORT/NAME or sqlite:////PATH"
