"""A store on a fresh file, asked in process, and telemetry to put into it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.types import ASGIApp, Message

from observability.store.settings import StoreSettings
from observability.store.store import Store

PROTOBUF = "application/x-protobuf"
STALL = b"(stalls)"
TRACE = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
T0_US = 1_767_225_600_000_000
"""A moment, in microseconds since 1970, that the tests' spans start around."""


@dataclass(frozen=True)
class Answer:
    """What an application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(app: ASGIApp, method: str, target: str, headers: Mapping[str, str], parts: Sequence[bytes | None]) -> Answer:
    """Calls an application. The body arrives in `parts`; None is a sender that left, STALL one that sends no more."""
    path, _, query = target.partition("?")
    waiting = [*parts]
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()  # A client that stays on the line says nothing more.
        if waiting[0] == STALL:
            await asyncio.Event().wait()
        part = waiting.pop(0)
        return {"type": "http.disconnect"} if part is None else {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    raw_headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": unquote(path), "query_string": query.encode(), "headers": raw_headers}
    await app(scope | {"server": ("127.0.0.1", 1), "root_path": "", "scheme": "http"}, receive, send)
    names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:]))


@dataclass(frozen=True)
class Client:
    """Asks both sides of a store."""

    store: Store
    ask = staticmethod(ask)

    async def get(self, target: str) -> Answer:
        return await ask(self.store.query, "GET", target, {}, [b""])

    async def data(self, target: str) -> Any:
        answer = await self.get(target)
        assert answer.status == 200, answer.body
        return answer.json["data"]

    async def problems(self, target: str) -> list[str]:
        """What was wrong with a query, which must be answered as such."""
        answer = await self.get(target)
        assert answer.status == 400, answer.body
        assert answer.json["data"] is None
        return [error["msg"] for error in answer.json["errors"]]

    async def post(self, path: str, *parts: bytes | None, **headers: str) -> Answer:
        named = {"content-type": PROTOBUF} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask(self.store.receiver, "POST", path, named, parts)

    async def add(self, service: str, *spans: Span, **resource: str) -> None:
        answer = await self.post("/v1/traces", request(service, *spans, **resource))
        assert answer.status == 200, answer.body

    async def add_logs(self, service: str, *records: tuple[int, int, str, bytes]) -> None:
        """Log records of (seconds after T0, severity number, body, trace id)."""
        export = ExportLogsServiceRequest()
        logs = export.resource_logs.add()
        logs.resource.attributes.extend(attributes({"service.name": service, "service.instance.id": f"{service}/1"}))
        for at_s, severity, body, trace_id in records:
            time_ns = (T0_US + at_s * 1_000_000) * 1_000
            scope = logs.scope_logs.add()
            scope.scope.name = f"services.{service}"
            record = scope.log_records.add(time_unix_nano=time_ns, severity_number=severity, trace_id=trace_id)
            record.body.string_value = body
            record.attributes.extend(attributes({"shop": service}))
        answer = await self.post("/v1/logs", export.SerializeToString())
        assert answer.status == 200, answer.body


def request(service: str, *spans: Span, **resource: str) -> bytes:
    """An export request of one sender, as bytes."""
    export = ExportTraceServiceRequest()
    sender = export.resource_spans.add()
    sender.resource.attributes.extend(attributes({"service.name": service, **resource}))
    sender.scope_spans.add().spans.extend(spans)
    return bytes(export.SerializeToString())


def attributes(values: Mapping[str, object]) -> list[KeyValue]:
    """Attributes of the types that Python's values have."""
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value", bytes: "bytes_value"}
    made = [KeyValue(key=key) for key in values]
    for attribute, value in zip(made, values.values(), strict=True):
        setattr(attribute.value, kinds[type(value)], value)
    return made


class Spans:
    """Makes spans with ids that count up."""

    def __init__(self) -> None:
        self._made = 0

    def __call__(
        self,
        name: str = "GET /menu",
        trace_id: bytes = TRACE,
        *,
        at_us: int = 0,
        duration_us: int = 1_000,
        parent: Span | None = None,
        kind: int = Span.SPAN_KIND_SERVER,
        **values: object,
    ) -> Span:
        """A span that starts `at_us` after T0. Attributes are given with double underscores for dots."""
        self._made += 1
        start_ns = (T0_US + at_us) * 1_000
        return Span(
            trace_id=trace_id,
            span_id=self._made.to_bytes(8, "big"),
            parent_span_id=parent.span_id if parent else b"",
            name=name,
            kind=Span.SpanKind.Name(kind),
            start_time_unix_nano=start_ns,
            end_time_unix_nano=start_ns + duration_us * 1_000,
            attributes=attributes({key.replace("__", "."): value for key, value in values.items()}),
        )


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    environment = {"FIREBREAK_STORE_PATH": str(tmp_path / "telemetry.sqlite"), "FIREBREAK_PORT": "0", "FIREBREAK_OTLP_PORT": "0"}
    return StoreSettings.from_environment(environment)


@pytest.fixture
async def client(settings: StoreSettings) -> AsyncIterator[Client]:
    store = Store(settings)
    store.start()
    yield Client(store)
    store.close()


@pytest.fixture
async def starved(settings: StoreSettings) -> AsyncIterator[Client]:
    """A client of a store that holds 1,000 bytes at most, and does not write before it is started."""
    store = Store(settings, max_waiting_bytes=1_000)
    yield Client(store)
    store.close()


@pytest.fixture
def span() -> Spans:
    return Spans()
