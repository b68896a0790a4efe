"""What goes from a service to the exporter process: the library encodes a span that went there as it encodes the span itself."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from observability.exporter.wire import (
    Outcome,
    pack_hello,
    pack_outcome,
    pack_spans,
    read_hello,
    read_outcome,
    read_spans,
    readable,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


class Reason(StrEnum):
    BUSY = "busy"


RESOURCE = Resource({"service.name": "orders", "service.instance.id": "orders/2"}, "https://schema.example/1")


@pytest.fixture
def spans() -> list[ReadableSpan]:
    """One of each kind: a root, a child with all that a span may have, and one that failed."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test", "1.2", schema_url="https://schema.example/2")
    remote = SpanContext(
        (1 << 128) - 7, (1 << 64) - 5, is_remote=True, trace_flags=TraceFlags(3), trace_state=TraceState([("a", "b")])
    )
    tracer.start_span("root", kind=SpanKind.SERVER).end()
    child = tracer.start_span(
        "child é",
        set_span_in_context(NonRecordingSpan(remote)),
        SpanKind.CLIENT,
        {
            "text": "é",
            "count": 7,
            "share": 0.5,
            "is": True,
            "many": ["a", Reason.BUSY],
            "big": 1 << 40,
            "map": {"reason": Reason.BUSY},
            "reason": Reason.BUSY,
            "status": HTTPStatus.OK,
        },
        [Link(remote, {"why": "because"})],
    )
    child.add_event(Reason.BUSY, {"n": 1, "reason": Reason.BUSY})
    child.set_status(Status(StatusCode.OK))
    child.end()
    failed = provider.get_tracer("bare").start_span("failed", kind=SpanKind.PRODUCER)
    failed.record_exception(RuntimeError("seven"))
    failed.set_status(Status(StatusCode.ERROR, "seven"))
    failed.end()
    return list(exporter.get_finished_spans())


def test_a_span_is_encoded_as_if_it_had_never_been_handed_over(spans: list[ReadableSpan]) -> None:
    resource = read_hello(pack_hello(RESOURCE))
    arrived = [readable(span, resource) for span in read_spans(pack_spans(spans))]
    assert len(arrived) == 3
    assert encode_spans(arrived).SerializeToString() == encode_spans(spans).SerializeToString()


def test_text_that_utf_8_cannot_have_spoils_no_batch() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    span = provider.get_tracer("test").start_span("half \ud800")
    span.set_status(Status(StatusCode.ERROR, "é \ud800"))
    span.end()
    arrived = readable(read_spans(pack_spans(exporter.get_finished_spans()))[0], RESOURCE)
    assert encode_spans([arrived]).SerializeToString()
    assert (arrived.name, arrived.status.description) == ("half ?", "é ?")


def test_an_outcome_arrives() -> None:
    assert read_outcome(pack_outcome(Outcome(12, 3))) == Outcome(12, 3)
