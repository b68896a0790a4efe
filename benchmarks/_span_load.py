"""Spans shaped like FeastFast's orders, as bytes of OTLP requests: made fast, so that a million take seconds.

An order is one trace through seven services, in each a server span, a call to the next and a query. What is the same in all
spans of a shape is serialised once; ids, times and the values that differ are put behind it, which protobuf reads as one message.
"""

import random
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

CALLERS: Final[Mapping[str, str]] = {
    "users": "gateway",
    "restaurants": "gateway",
    "orders": "gateway",
    "payments": "orders",
    "deliveries": "orders",
    "notifications": "orders",
}
"""Who calls each service, once in every trace."""

SERVICES: Final = ("gateway", *CALLERS)
T0_US: Final = 1_767_225_600_000_000
TRACES_A_SECOND: Final = 500
RARE_EVERY: Final = 10_000
"""One trace in so many has the tag `order.campaign` with a value that no other has."""

_SPANS_A_SERVICE: Final = 3
SPANS_A_TRACE: Final = _SPANS_A_SERVICE * len(SERVICES)
_MEAN_DURATION_US: Final = 8_000


@dataclass(frozen=True)
class SpanLoad:
    """What to send.

    Attributes:
        trace_ids: Ids of all traces, in the order of their start.
        bodies: ExportTraceServiceRequests, in the order in which seven services would send them.
        spans: How many spans are in them.
    """

    trace_ids: Sequence[bytes]
    bodies: Sequence[bytes]
    spans: int


def span_load(spans: int, batch: int, rng: random.Random) -> SpanLoad:
    """Whole traces of about `spans` spans, in requests of `batch` spans of one service each."""
    shapes = {service: _Shapes(service) for service in SERVICES}
    trace_ids, bodies = [], []
    waiting: dict[str, list[bytes]] = {service: [] for service in SERVICES}
    for number in range(max(1, spans // SPANS_A_TRACE)):
        trace_ids.append(rng.randbytes(16))
        for service, made in _trace(number, trace_ids[-1], shapes, rng):
            waiting[service] += made
            while len(waiting[service]) >= batch:
                bodies.append(shapes[service].request(waiting[service][:batch]))
                del waiting[service][:batch]
    bodies += [shapes[service].request(rest) for service, rest in waiting.items() if rest]
    return SpanLoad(trace_ids, bodies, len(trace_ids) * SPANS_A_TRACE)


def _trace(
    number: int, trace_id: bytes, shapes: Mapping[str, "_Shapes"], rng: random.Random
) -> Iterator[tuple[str, list[bytes]]]:
    started_us = T0_US + number * 1_000_000 // TRACES_A_SECOND
    clients = {service: rng.randbytes(8) for service in SERVICES}
    for service in SERVICES:
        server = rng.randbytes(8)
        frames = (
            (server, clients.get(CALLERS.get(service, ""), b"")),
            (clients[service], server),
            (rng.randbytes(8), server),
        )
        values = shapes[service].values(number, rng)
        yield (
            service,
            [
                _span(shape, trace_id, span_id, parent_id, started_us + rng.randrange(50_000), rng) + more
                for shape, (span_id, parent_id), more in zip(shapes[service].fixed, frames, values, strict=True)
            ],
        )


def _span(shape: bytes, trace_id: bytes, span_id: bytes, parent_id: bytes, start_us: int, rng: random.Random) -> bytes:
    end_us = start_us + int(rng.expovariate(1 / _MEAN_DURATION_US))
    parent = b"\x22\x08" + parent_id if parent_id else b""
    times = struct.pack("<cQcQ", b"\x39", start_us * 1_000, b"\x41", end_us * 1_000)
    return b"".join((shape, b"\x0a\x10", trace_id, b"\x12\x08", span_id, parent, times))


class _Shapes:
    """The parts of a service's requests that never change."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._resource = _resource(service)
        self.fixed = (_server(service), _client(service), _database(service))

    def values(self, number: int, rng: random.Random) -> Sequence[bytes]:
        """What differs from span to span of each shape: attributes, and the status of one server span in a hundred."""
        path = _text("url.path", f"/v1/{self._service}/{rng.randrange(100_000)}")
        failed = b"\x7a" + _sized(Status(code=Status.STATUS_CODE_ERROR).SerializeToString()) if rng.random() < 0.01 else b""
        rare = _text("order.campaign", f"c{number}") if self._service == "orders" and number % RARE_EVERY == 0 else b""
        return (
            path + _number("client.port", rng.randrange(30_000, 60_000)) + failed + rare,
            _text("url.full", f"http://127.0.0.1:{rng.randrange(8_000, 8_010)}/v1/{self._service}"),
            _number("db.rows", rng.randrange(20)),
        )

    def request(self, spans: Sequence[bytes]) -> bytes:
        """One export request."""
        scope = self._scope() + b"".join(b"\x12" + _sized(span) for span in spans)
        return b"\x0a" + _sized(self._resource + b"\x12" + _sized(scope))

    def _scope(self) -> bytes:
        scope = ScopeSpans()
        scope.scope.name = "opentelemetry.instrumentation.fastapi"
        return bytes(scope.SerializeToString())


def _resource(service: str) -> bytes:
    resource = ExportTraceServiceRequest().resource_spans.add()
    for key, value in {
        "service.name": service,
        "service.instance.id": f"{service}/1",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.1",
    }.items():
        resource.resource.attributes.add(key=key).value.string_value = value
    return bytes(resource.SerializeToString())


def _server(service: str) -> bytes:
    route = f"/v1/{service}/{{id}}"
    span = Span(name=f"GET {route}", kind=Span.SPAN_KIND_SERVER, flags=0x101)
    texts = {"http.request.method": "GET", "url.scheme": "http", "server.address": "127.0.0.1", "http.route": route}
    texts |= {"network.protocol.version": "1.1", "client.address": "127.0.0.1"}
    return _with(span, texts, {"http.response.status_code": 200, "server.port": 8_001})


def _client(service: str) -> bytes:
    span = Span(name="POST", kind=Span.SPAN_KIND_CLIENT, flags=0x101)
    texts = {"http.request.method": "POST", "server.address": "127.0.0.1", "firebreak.edge": f"{service}->payments"}
    return _with(span, texts, {"server.port": 8_002, "http.request.resend_count": 0, "http.response.status_code": 201})


def _database(service: str) -> bytes:
    span = Span(name="SELECT", kind=Span.SPAN_KIND_CLIENT, flags=0x101)
    query = f"SELECT {service}.id, {service}.status, {service}.created_at FROM {service} WHERE {service}.id = ?"
    return _with(span, {"db.system.name": "sqlite", "db.namespace": service, "db.query.text": query}, {})


def _with(span: Span, texts: Mapping[str, str], numbers: Mapping[str, int]) -> bytes:
    for key, text in texts.items():
        span.attributes.add(key=key).value.string_value = text
    for key, number in numbers.items():
        span.attributes.add(key=key).value.int_value = number
    return bytes(span.SerializeToString())


def _text(key: str, value: str) -> bytes:
    attribute = KeyValue(key=key)
    attribute.value.string_value = value
    return b"\x4a" + _sized(attribute.SerializeToString())


def _number(key: str, value: int) -> bytes:
    attribute = KeyValue(key=key)
    attribute.value.int_value = value
    return b"\x4a" + _sized(attribute.SerializeToString())


def _sized(message: bytes) -> bytes:
    """A message behind its length, as protobuf writes it inside of another."""
    length, prefix = len(message), bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + message
