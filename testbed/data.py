"""Where a system's services keep their data: SQLite files in a folder, or databases on a PostgreSQL server."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,30}")
_DEFAULT_NAME: Final = "firebreak"
_HOW: Final = "write postgresql://USER:PASSWORD@HOST:PORT/NAME; its databases' names begin with NAME (a-z, 0-9, _)"


@dataclass(frozen=True)
class SqliteData:
    """One file a service."""

    folder: Path

    def url(self, service: str) -> str:
        """Of a service's own database."""
        return f"sqlite:///{self.folder.absolute() / service}.sqlite"

    @property
    def server(self) -> str:
        """No server has to be prepared."""
        return ""

    def describe(self) -> str:
        """For people."""
        return str(self.folder.absolute())

    def create(self) -> None:
        """Makes the folder. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class PostgresData:
    """One database and one role a service, on a server. The roles' passwords are drawn anew for each system.

    Args:
        url: Of the server, with a user who may make roles and databases.

    Raises:
        ValueError: It is no such URL; the text says how to write one, and not the password.
    """

    def __init__(self, url: str) -> None:
        parts = _split(url)
        self._prefix = parts.path.removeprefix("/") or _DEFAULT_NAME
        if not _NAME.fullmatch(self._prefix):
            raise ValueError(f"--database names {self._prefix!r}; {_HOW}")
        self._place = parts.netloc.rpartition("@")[2]
        self._query = f"?{parts.query}" if parts.query else ""
        self._passwords: dict[str, str] = {}
        self.server = parts._replace(scheme="postgresql").geturl()

    def url(self, service: str) -> str:
        """Of a service's own database, as its own role."""
        name = f"{self._prefix}_{service.replace('-', '_')}"
        password = self._passwords.setdefault(service, secrets.token_urlsafe(24))
        return f"postgresql://{name}:{password}@{self._place}/{name}{self._query}"

    def create(self) -> None:
        """Nothing: the migrator makes databases and roles."""

    def describe(self) -> str:
        """For people: without user and password."""
        return f"postgresql://{self._place}/{self._prefix}"


def _split(url: str) -> SplitResult:
    parts = SplitResult("", "", "", "", "")
    try:
        parts = urlsplit(url)
        usable = parts.scheme.partition("+")[0] in ("postgresql", "postgres") and bool(parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:  # Its text repeats parts of the URL.
        usable = False
    if not usable:
        raise ValueError(f"--database is no URL of a PostgreSQL server; {_HOW}")
    return parts


def choose_data(url: str, folder: Path) -> SqliteData | PostgresData:
    """A PostgreSQL server when there is a URL, else files in `folder`. Raises ValueError."""
    return PostgresData(url) if url else SqliteData(folder)
