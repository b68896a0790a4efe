"""Fresh databases for store tests, cheap: each service's is made once a run, and copied for every test."""

import shutil
from abc import ABC, abstractmethod
from itertools import count
from pathlib import Path

import asyncpg
from opentelemetry.trace import NoOpTracer
from sqlalchemy import MetaData

from services.kit.database import Database
from services.kit.migrations.revisions import Revisions
from services.kit.migrations.runner import migrate
from tests.postgres import PostgresServer

_FILES: dict[str, bytes] = {}
"""Made once a run: what a migrated file holds, by service."""


class Databases(ABC):
    """Databases of one kind for one run of the tests."""

    def __init__(self) -> None:
        self._number = count(1)
        self._templates: dict[str, str] = {}

    async def fresh(self, service: str) -> str:
        """URL of a new database at head of the migrations of `service` (`orders`), without rows."""
        if service not in self._templates:
            url = await self.empty()
            await _migrate(url, service)
            self._templates[service] = url
        return await self._copy(self._templates[service])

    async def with_tables(self, metadata: MetaData) -> str:
        """URL of a new database with just these tables."""
        url = await self.empty()
        await _create(url, metadata)
        return url

    @abstractmethod
    async def empty(self) -> str:
        """URL of a new database without tables."""

    @abstractmethod
    async def discard(self, url: str) -> None:
        """Makes room; whoever was connected to the database is not any more."""

    @abstractmethod
    async def _copy(self, url: str) -> str:
        """URL of a copy of the database at `url`, to which nobody is connected."""


class SqliteDatabases(Databases):
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    async def empty(self) -> str:
        return f"sqlite+aiosqlite:///{self._folder / str(next(self._number))}.sqlite"

    async def discard(self, url: str) -> None:
        _file(url).unlink()

    async def _copy(self, url: str) -> str:
        copy = await self.empty()
        shutil.copyfile(_file(url), _file(copy))  # Whole: the last connection to close leaves nothing in the log beside it.
        return copy


class PostgresDatabases(Databases):
    """Databases on one server."""

    def __init__(self, server: PostgresServer) -> None:
        super().__init__()
        self._server = server

    async def empty(self) -> str:
        return await self._make("template0")

    async def _copy(self, url: str) -> str:
        return await self._make(_name(url))

    async def discard(self, url: str) -> None:
        await self._ask(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    async def _make(self, template: str) -> str:
        name = f"tests_{next(self._number)}"
        await self._ask(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self._server.url(name)

    async def _ask(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def migrated_file(service: str, path: Path) -> str:
    """URL of a new SQLite file at `path`, at head of the migrations of `service`; for tests of whole applications."""
    if service not in _FILES:
        await _migrate(f"sqlite:///{path}", service)
        _FILES[service] = _read(path)
    _write(path, _FILES[service])
    return f"sqlite:///{path}"


def open_database(url: str) -> Database:
    """A database whose statements nobody traces."""
    return Database(url, NoOpTracer(), "tests")


async def _migrate(url: str, service: str) -> None:
    revisions = Revisions.of(service, f"services.{service}.main")
    assert revisions is not None, f"{service} has no migrations"
    await migrate(url, revisions)


async def _create(url: str, metadata: MetaData) -> None:
    database = open_database(url)
    try:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
    finally:
        await database.close()


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite+aiosqlite:///"))
