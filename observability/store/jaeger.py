"""Spans in the JSON form of Jaeger's query API, made from OTLP as Jaeger's own translation makes it.

Sources: jaegertracing/jaeger `internal/uimodel/model.go` (the shapes) and opentelemetry-collector-contrib
`pkg/translator/jaeger` (resource to process, kind and status to tags, events to logs, links to FOLLOWS_FROM).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypedDict

from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from observability.store.chunks import StoredSpan
from observability.store.ingest import service_name
from observability.store.values import Tag, attribute_tag, string_tag

_NS_PER_US: Final = 1_000
_FLAGS_MASK: Final = 0xFF  # The W3C trace flags; OTLP keeps more above them.

KINDS: Final[Mapping[int, str]] = {
    Span.SPAN_KIND_INTERNAL: "internal",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}
"""`span.kind` by OTLP's SpanKind; an unspecified kind has no tag."""


class Log(TypedDict):
    """An event of a span."""

    timestamp: int
    fields: list[Tag]


class Reference(TypedDict):
    """A span's parent (CHILD_OF) or a span it is linked to (FOLLOWS_FROM)."""

    refType: str
    traceID: str
    spanID: str


class Process(TypedDict):
    """The sender of spans."""

    serviceName: str
    tags: list[Tag]


class JaegerSpan(TypedDict):
    """One span; times in microseconds."""

    traceID: str
    spanID: str
    flags: int
    operationName: str
    references: list[Reference]
    startTime: int
    duration: int
    tags: list[Tag]
    logs: list[Log]
    processID: str
    warnings: list[str] | None


class Trace(TypedDict):
    """One trace with the processes that its spans name."""

    traceID: str
    spans: list[JaegerSpan]
    processes: dict[str, Process]
    warnings: list[str] | None


def trace(trace_id: bytes, stored: Sequence[StoredSpan], warnings: Sequence[str] = ()) -> Trace:
    """A trace, its spans in order of their start."""
    processes = _Processes()
    spans = [
        _span(item, processes.id_of(item.resource)) for item in sorted(stored, key=lambda item: item.span.start_time_unix_nano)
    ]
    return {"traceID": trace_id.hex(), "spans": spans, "processes": processes.by_id, "warnings": list(warnings) or None}


class _Processes:
    """Senders of a trace's spans, each under a short id."""

    def __init__(self) -> None:
        self.by_id: dict[str, Process] = {}
        self._by_content: dict[bytes, str] = {}
        self._by_object: dict[int, str] = {}  # Spans of one chunk share the object, whose content is long to write.

    def id_of(self, resource: Resource) -> str:
        """The id of a sender, made when it is new."""
        known = self._by_object.get(id(resource))
        if known is not None:
            return known
        made = self._by_content.setdefault(resource.SerializeToString(deterministic=True), f"p{len(self._by_content) + 1}")
        self.by_id.setdefault(made, {"serviceName": service_name(resource.attributes), "tags": process_tags(resource)})
        self._by_object[id(resource)] = made
        return made


def tags(stored: StoredSpan) -> list[Tag]:
    """Tags of a span: its attributes, and what Jaeger makes of scope, kind, status and trace state."""
    span, scope = stored.span, stored.scope
    made = {
        "otel.scope.name": scope.name,
        "otel.scope.version": scope.version,
        "span.kind": KINDS.get(span.kind, ""),
        "otel.status_code": {Status.STATUS_CODE_OK: "OK", Status.STATUS_CODE_ERROR: "ERROR"}.get(span.status.code, ""),
        "otel.status_description": span.status.message,
        "w3c.tracestate": span.trace_state,
    }
    result = [attribute_tag(attribute) for attribute in span.attributes]
    result += [string_tag(key, value) for key, value in made.items() if value]
    if span.status.code == Status.STATUS_CODE_ERROR:
        result.append({"key": "error", "type": "bool", "value": True})
    return result


def process_tags(resource: Resource) -> list[Tag]:
    """Tags of the sender: its resource attributes but for its name."""
    return [attribute_tag(attribute) for attribute in resource.attributes if attribute.key != "service.name"]


def logs(span: Span) -> list[Log]:
    """Events of a span; the event's name is the field `event`."""
    return [
        {
            "timestamp": event.time_unix_nano // _NS_PER_US,
            "fields": [string_tag("event", event.name), *(attribute_tag(attribute) for attribute in event.attributes)],
        }
        for event in span.events
    ]


def _span(stored: StoredSpan, process_id: str) -> JaegerSpan:
    span = stored.span
    return {
        "traceID": span.trace_id.hex(),
        "spanID": span.span_id.hex(),
        "flags": span.flags & _FLAGS_MASK,
        "operationName": span.name,
        "references": list(_references(span)),
        "startTime": span.start_time_unix_nano // _NS_PER_US,
        "duration": max(0, span.end_time_unix_nano - span.start_time_unix_nano) // _NS_PER_US,
        "tags": tags(stored),
        "logs": logs(span),
        "processID": process_id,
        "warnings": None,
    }


def _references(span: Span) -> Iterable[Reference]:
    if any(span.parent_span_id):
        yield {"refType": "CHILD_OF", "traceID": span.trace_id.hex(), "spanID": span.parent_span_id.hex()}
    for link in span.links:
        yield {"refType": "FOLLOWS_FROM", "traceID": link.trace_id.hex(), "spanID": link.span_id.hex()}
