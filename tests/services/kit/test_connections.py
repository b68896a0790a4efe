"""What aiohttp and SQLAlchemy count for themselves, read at the scrape; pins what services.kit.connections relies on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.trace import NoOpTracer
from sqlalchemy import text

from observability import names
from services.kit.connections import show_client
from services.kit.database import MORE_READERS, READERS, WRITERS_OF_SQLITE, Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.services.kit.conftest import Watched


class Door:
    """A server that answers when it is told to."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.url = ""

    async def answer(self, _request: web.BaseRequest) -> web.Response:
        await self.opened.wait()
        return web.Response()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    runner = web.ServerRunner(web.Server(door.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    door.url = site.name if site.name.rpartition(":")[2] != "0" else f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield door
    await runner.cleanup()


def client(watched: Watched) -> tuple[float | None, ...]:
    """Active, idle, at most, waiting."""
    mine = {"traffic": "foreground"}
    return (
        watched.metric(names.HTTP_CLIENT_CONNECTIONS, state="active", **mine),
        watched.metric(names.HTTP_CLIENT_CONNECTIONS, state="idle", **mine),
        watched.metric(names.HTTP_CLIENT_CONNECTIONS_MAX, **mine),
        watched.metric(names.HTTP_CLIENT_PENDING, **mine),
    )


def database(watched: Watched, pool: str) -> tuple[float | None, ...]:
    """Used, idle, at most, waiting."""
    return (
        watched.metric(names.DB_CONNECTIONS, state="used", pool=pool),
        watched.metric(names.DB_CONNECTIONS, state="idle", pool=pool),
        watched.metric(names.DB_CONNECTIONS_MAX, pool=pool),
        watched.metric(names.DB_PENDING, pool=pool),
    )


async def settle() -> None:
    """Lets everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(wanted: tuple[float, ...], watched: Watched) -> None:
    async with asyncio.timeout(5):
        while client(watched) != wanted:  # noqa: ASYNC110 - nobody sets an event when a network has done its part.
            await asyncio.sleep(0)


async def test_connections_to_other_services_are_active_idle_or_waited_for(watched: Watched, door: Door) -> None:
    connector = aiohttp.TCPConnector(limit=2)
    show_client(watched.telemetry.metrics, connector, names.TRAFFIC_FOREGROUND)
    async with aiohttp.ClientSession(connector=connector) as session:
        assert client(watched) == (0, 0, 2, 0)
        asking = [asyncio.create_task(session.get(door.url)) for _ in range(3)]
        await until((2, 0, 2, 1), watched)
        door.opened.set()
        for answer in await asyncio.gather(*asking):
            answer.release()
        await until((0, 2, 2, 0), watched)


async def test_connections_to_the_database_are_used_idle_or_waited_for(watched: Watched, tmp_path: Path) -> None:
    kept = Database(f"sqlite:///{tmp_path}/kept.sqlite", NoOpTracer(), "shop")
    kept.show_in(watched.telemetry.metrics)
    assert database(watched, "write") == (0, 0, WRITERS_OF_SQLITE, 0)
    assert database(watched, "read") == (0, 0, READERS + MORE_READERS, 0)

    async def write() -> None:
        async with kept.write() as connection:
            await connection.execute(text("SELECT 1"))

    async with kept.write():
        waiting = asyncio.create_task(write())
        await settle()
        assert database(watched, "write") == (1, 0, 1, 1)
        async with kept.read():
            assert database(watched, "read") == (1, 0, READERS + MORE_READERS, 0)
    await waiting
    assert database(watched, "write") == (0, 1, 1, 0)
    assert database(watched, "read") == (0, 1, READERS + MORE_READERS, 0)
    await kept.close()
    assert database(watched, "write") == (0, 0, 1, 0)


async def test_whoever_gave_up_waiting_is_waited_for_no_more(watched: Watched, tmp_path: Path) -> None:
    kept = Database(f"sqlite:///{tmp_path}/kept.sqlite", NoOpTracer(), "shop")
    kept.show_in(watched.telemetry.metrics)

    async def write() -> None:
        async with kept.write():
            raise AssertionError

    async with kept.write():
        waiting = asyncio.create_task(write())
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert database(watched, "write") == (1, 0, 1, 0)
    await kept.close()
