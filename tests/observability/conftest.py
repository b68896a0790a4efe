"""Telemetry that is kept in memory, and a way to ask an application without a network."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer
from starlette.types import ASGIApp, Message

Get = Callable[..., Awaitable[int]]


class KeptSpans:
    """A provider whose ended spans stay in memory, the first to end first."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def tracer(self) -> Tracer:
        return self.provider.get_tracer("test")

    @property
    def ended(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


async def get_path(app: ASGIApp, path: str, headers: Mapping[str, str] | None = None) -> int:
    """Sends a GET; returns the status of the answer, 0 without one."""
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": raw, "root_path": ""}
    await app(scope | {"scheme": "http", "server": ("127.0.0.1", 1), "http_version": "1.1"}, receive, send)
    return int(sent[0]["status"]) if sent else 0


@pytest.fixture
def get() -> Get:
    return get_path


@pytest.fixture
def kept() -> KeptSpans:
    return KeptSpans()
