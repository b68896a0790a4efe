"""Spans in the JSON form of Jaeger's query API, made from OTLP as Jaeger's own translation makes it.

    trace      {traceID, spans, processes: {processID: {serviceName, tags}}, warnings}
    span       {traceID, spanID, flags, operationName, references, startTime, duration, tags, logs, processID, warnings}
    reference  {refType: CHILD_OF (its parent) or FOLLOWS_FROM (what it is linked to), traceID, spanID}
    log        {timestamp, fields}, an event of the span
    tag, field {key, type, value}

Times are in microseconds, `warnings` is null or a list of texts. All is written as text at once: a search shows thousands of
tags, most of them not for the first time (values.py).

Sources: jaegertracing/jaeger `internal/uimodel/model.go` (the shapes) and opentelemetry-collector-contrib
`pkg/translator/jaeger` (resource to process, kind and status to tags, events to logs, links to FOLLOWS_FROM).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from observability.store.chunks import StoredSpan
from observability.store.ingest import service_name
from observability.store.sealed import SealedEvent, SealedSpan
from observability.store.values import Tag, as_json, attribute_tag, string_tag

_NS_PER_US: Final = 1_000
_KEPT_PROCESSES: Final = 64
_KEPT_MADE_TAGS: Final = 256
_KEPT_LENGTH: Final = 1_024  # Of a sender's resource, or of a scope; a longer one is written anew each time.
_STATUS_CODES: Final[Mapping[int, str]] = {Status.STATUS_CODE_OK: "OK", Status.STATUS_CODE_ERROR: "ERROR"}
_FAILED: Final = Tag("error", value=True, json='{"key":"error","type":"bool","value":true}')
_FLAGS_MASK: Final = 0xFF  # The W3C trace flags; OTLP keeps more above them.

KINDS: Final[Mapping[int, str]] = {
    Span.SPAN_KIND_INTERNAL: "internal",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_PRODUCER: "producer",
    Span.SPAN_KIND_CONSUMER: "consumer",
}
"""`span.kind` by OTLP's SpanKind; an unspecified kind has no tag."""


def trace(trace_id: bytes, stored: Sequence[StoredSpan], warnings: Sequence[str] = ()) -> bytes:
    """A trace, its spans in order of their start."""
    senders: dict[bytes, str] = {}
    spans = [
        _span(item, senders.setdefault(item.resource, f"p{len(senders) + 1}"))
        for item in sorted(stored, key=lambda item: item.span.start_time_unix_nano)
    ]
    processes = ",".join(f'"{name}":{_process(resource)}' for resource, name in senders.items())
    text = (
        f'{{"traceID":"{trace_id.hex()}","spans":[{",".join(spans)}],"processes":{{{processes}}}'
        f',"warnings":{as_json(list(warnings) or None)}}}'
    )
    return text.encode()


def tags(stored: StoredSpan) -> list[Tag]:
    """Tags of a span: its attributes, and what Jaeger makes of scope, kind, status and trace state."""
    span, scope, status = stored.span, stored.scope, stored.span.status
    name, version, code = scope.name, scope.version, status.code
    made = _kept_made_tags if len(name) + len(version) <= _KEPT_LENGTH else _made_tags
    result = [*map(attribute_tag, span.attributes), *made(name, version, span.kind, code)]
    if message := status.message:
        result.append(string_tag("otel.status_description", message))
    if state := span.trace_state:
        result.append(string_tag("w3c.tracestate", state))
    if code == Status.STATUS_CODE_ERROR:
        result.append(_FAILED)
    return result


def process_tags(resource: bytes) -> list[Tag]:
    """Tags of the sender: its resource attributes but for its name."""
    every = (attribute_tag(each.SerializeToString()) for each in Resource.FromString(resource).attributes)
    return [tag for tag in every if tag.key != "service.name"]


def fields(event: SealedEvent) -> Iterator[Tag]:
    """Fields of an event; its name is the field `event`."""
    yield string_tag("event", event.name)
    yield from map(attribute_tag, event.attributes)


def _made_tags(scope: str, version: str, kind: int, status: int) -> tuple[Tag, ...]:
    """What nearly all spans of an instrumentation have in common."""
    made = {
        "otel.scope.name": scope,
        "otel.scope.version": version,
        "span.kind": KINDS.get(kind, ""),
        "otel.status_code": _STATUS_CODES.get(status, ""),
    }
    return tuple(string_tag(key, value) for key, value in made.items() if value)


_kept_made_tags: Final = lru_cache(maxsize=_KEPT_MADE_TAGS)(_made_tags)


def _process(resource: bytes) -> str:
    return _kept_process(resource) if len(resource) <= _KEPT_LENGTH else _written_process(resource)


def _written_process(resource: bytes) -> str:
    name = service_name(Resource.FromString(resource).attributes)
    return f'{{"serviceName":{as_json(name)},"tags":{_array(process_tags(resource))}}}'


_kept_process: Final = lru_cache(maxsize=_KEPT_PROCESSES)(_written_process)


def _span(stored: StoredSpan, process_id: str) -> str:
    span = stored.span
    start_ns = span.start_time_unix_nano
    trace_id = span.trace_id.hex()
    logs = ",".join(map(_log, events)) if (events := span.events) else ""
    return (
        f'{{"traceID":"{trace_id}","spanID":"{span.span_id.hex()}","flags":{span.flags & _FLAGS_MASK}'
        f',"operationName":{as_json(span.name)},"references":[{",".join(_references(span, trace_id))}]'
        f',"startTime":{start_ns // _NS_PER_US},"duration":{max(0, span.end_time_unix_nano - start_ns) // _NS_PER_US}'
        f',"tags":{_array(tags(stored))},"logs":[{logs}],"processID":"{process_id}","warnings":null}}'
    )


def _log(event: SealedEvent) -> str:
    return f'{{"timestamp":{event.time_unix_nano // _NS_PER_US},"fields":{_array(fields(event))}}}'


def _references(span: SealedSpan, trace_id: str) -> Iterator[str]:
    parent = span.parent_span_id
    if any(parent):
        yield f'{{"refType":"CHILD_OF","traceID":"{trace_id}","spanID":"{parent.hex()}"}}'
    for link in span.links:
        yield f'{{"refType":"FOLLOWS_FROM","traceID":"{link.trace_id.hex()}","spanID":"{link.span_id.hex()}"}}'


def _array(shown: Iterable[Tag]) -> str:
    return f"[{','.join([tag.json for tag in shown])}]"
