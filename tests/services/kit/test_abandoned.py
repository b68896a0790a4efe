"""Over real sockets: work of a request that stated a deadline ends when its caller is gone, any other is served to its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn

from observability import names
from services.kit.deadlines import DeadlineMiddleware
from services.kit.protocol import BoundedProtocol
from services.kit.resilience.deadline import HEADER
from services.kit.uncut import uncut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from tests.services.kit.conftest import Watched

LONG_S = 30.0
AT_ONCE_S = 10.0
"""Far below LONG_S, and far above what a busy machine needs."""


class Work:
    """An application whose requests take a while; keeps what became of them, by path."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.ended: list[str] = []
        self.something = asyncio.Condition()
        self.go_on = asyncio.Event()
        self.after_answer = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        await self._note(self.began, path)
        try:
            await self._serve(path, send)
        except asyncio.CancelledError:
            await uncut(self._note(self.ended, f"{path} cancelled"))
            raise
        await self._note(self.ended, f"{path} done")

    async def _serve(self, path: str, send: Send) -> None:
        if path == "/slow":
            async with asyncio.timeout(LONG_S):
                await self.go_on.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        if path == "/after":
            await self.after_answer.wait()

    async def _note(self, kept: list[str], what: str) -> None:
        kept.append(what)
        async with self.something:
            self.something.notify_all()

    async def until(self, kept: list[str], what: str) -> None:
        async with asyncio.timeout(AT_ONCE_S), self.something:
            await self.something.wait_for(lambda: what in kept)


@pytest.fixture
def work() -> Work:
    return Work()


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[uvicorn.Server]:
    config = uvicorn.Config(app, port=0, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, log_level="warning")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server
    finally:
        await server.shutdown()


@asynccontextmanager
async def caller(server: uvicorn.Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()[:2])
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def request(path: str, *, deadline: bool = True) -> bytes:
    stated = f"{HEADER}: 20000\r\n" if deadline else ""
    return f"GET {path} HTTP/1.1\r\nHost: test\r\n{stated}\r\n".encode()


@pytest.fixture
async def server(work: Work, watched: Watched) -> AsyncIterator[uvicorn.Server]:
    served = DeadlineMiddleware(work, watched.telemetry.metrics)

    async def traced(scope: Scope, receive: Receive, send: Send) -> None:
        with watched.telemetry.tracer.start_as_current_span("request"):
            await served(scope, receive, send)

    async with serving(traced) as running:
        yield running


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whoever leaves is nobody's mistake: the server has nothing to say of it."""
    yield
    told = [*caplog.get_records("call"), *caplog.records]
    assert [record.getMessage() for record in told if record.levelno >= logging.WARNING] == []


async def test_work_is_cancelled_at_once_when_its_caller_is_gone(work: Work, server: uvicorn.Server, watched: Watched) -> None:
    async with caller(server) as (_, writer):
        writer.write(request("/slow"))
        await work.until(work.began, "/slow")
    await work.until(work.ended, "/slow cancelled")
    await asyncio.gather(*server.server_state.tasks)
    assert watched.metric(names.RESILIENCE_ABANDONED, **{names.LABEL_ROUTE: "none"}) == 1
    (span,) = watched.spans
    assert (span.attributes or {})[names.ATTR_ERROR_TYPE] == "cancelled"
    assert span.status.is_unset
    assert [event.name for event in span.events] == [names.EVENT_ABANDONED]


async def test_work_without_a_deadline_is_served_to_its_end(work: Work, server: uvicorn.Server, watched: Watched) -> None:
    async with caller(server) as (_, writer):
        writer.write(request("/slow", deadline=False))
        await work.until(work.began, "/slow")
    await _disconnected(server)
    work.go_on.set()
    await work.until(work.ended, "/slow done")
    assert watched.metric(names.RESILIENCE_ABANDONED, **{names.LABEL_ROUTE: "none"}) is None


async def test_work_in_a_process_that_is_cut_off_is_not_told_that_its_caller_is_gone(work: Work, watched: Watched) -> None:
    deaf = DeadlineMiddleware(work, watched.telemetry.metrics, deaf=lambda: True)
    async with serving(deaf) as server:
        async with caller(server) as (_, writer):
            writer.write(request("/slow"))
            await work.until(work.began, "/slow")
        await _disconnected(server)
        work.go_on.set()
        await work.until(work.ended, "/slow done")


async def test_what_is_done_after_the_answer_is_not_cut(work: Work, server: uvicorn.Server) -> None:
    async with caller(server) as (reader, writer):
        writer.write(request("/after"))
        assert b"204" in await reader.readuntil(b"\r\n\r\n")
    await _disconnected(server)
    work.after_answer.set()
    await work.until(work.ended, "/after done")


async def test_a_later_request_of_the_same_connection_is_cut_as_well(work: Work, server: uvicorn.Server) -> None:
    async with caller(server) as (reader, writer):
        for _ in range(2):
            writer.write(request("/quick"))
            assert b"204" in await reader.readuntil(b"\r\n\r\n")
        writer.write(request("/slow"))
        await work.until(work.began, "/slow")
    await work.until(work.ended, "/slow cancelled")
    assert work.ended == ["/quick done", "/quick done", "/slow cancelled"]


async def test_of_requests_in_a_row_the_one_that_is_served_is_cut_and_the_next_never_begins(
    work: Work, server: uvicorn.Server
) -> None:
    async with caller(server) as (reader, writer):
        writer.write(request("/quick") + request("/slow") + request("/quick"))
        assert b"204" in await reader.readuntil(b"\r\n\r\n")
        await work.until(work.began, "/slow")
    await work.until(work.ended, "/slow cancelled")
    await _disconnected(server)
    assert work.began == ["/quick", "/slow"]


async def test_a_request_that_still_works_after_its_answer_does_not_shield_the_next_one(
    work: Work, server: uvicorn.Server
) -> None:
    async with caller(server) as (reader, writer):
        writer.write(request("/after") + request("/slow"))
        assert b"204" in await reader.readuntil(b"\r\n\r\n")
        await work.until(work.began, "/slow")
        work.after_answer.set()
        await work.until(work.ended, "/after done")
    await work.until(work.ended, "/slow cancelled")


async def test_what_was_held_up_until_its_caller_was_gone_is_not_begun(work: Work, watched: Watched) -> None:
    held, go_on = asyncio.Event(), asyncio.Event()
    served = DeadlineMiddleware(work, watched.telemetry.metrics)

    async def holding(scope: Scope, receive: Receive, send: Send) -> None:
        held.set()
        await go_on.wait()
        await served(scope, receive, send)

    async with serving(holding) as server:
        async with caller(server) as (_, writer):
            writer.write(request("/slow"))
            await held.wait()
        await _disconnected(server)
        go_on.set()
        await asyncio.gather(*server.server_state.tasks)
    assert work.began == []
    assert watched.metric(names.RESILIENCE_ABANDONED, **{names.LABEL_ROUTE: "none"}) == 1


async def test_a_transaction_is_not_cut_in_the_middle(watched: Watched) -> None:
    began, go_on, committed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def transaction() -> None:
        began.set()
        await go_on.wait()
        committed.set()

    async def writing(scope: Scope, receive: Receive, send: Send) -> None:
        await uncut(transaction())
        raise AssertionError("goes on although nobody waits for it")

    async with serving(DeadlineMiddleware(writing, watched.telemetry.metrics)) as server:
        async with caller(server) as (_, writer):
            writer.write(request("/write"))
            await began.wait()
        await _disconnected(server)
        go_on.set()
        await asyncio.gather(*server.server_state.tasks)
    assert committed.is_set()


async def test_who_is_told_to_end_for_another_reason_ends_for_that(work: Work, watched: Watched) -> None:
    line_stands = {"type": "http", "path": "/slow", "headers": [(HEADER.lower().encode(), b"20000")]}
    task = asyncio.create_task(DeadlineMiddleware(work, watched.telemetry.metrics)(line_stands, None, None))  # type: ignore[arg-type]
    await work.until(work.began, "/slow")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watched.metric(names.RESILIENCE_ABANDONED, **{names.LABEL_ROUTE: "none"}) is None


async def _disconnected(server: uvicorn.Server) -> None:
    async with asyncio.timeout(AT_ONCE_S):
        while server.server_state.connections:  # noqa: ASYNC110 - uvicorn tells nobody.
            await asyncio.sleep(0.001)
