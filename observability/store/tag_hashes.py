"""Short hashes of every tag in a chunk: a search by tags opens only chunks that have the hashes of what it looks for.

What is hashed is an attribute as protobuf's own writer writes it, in field order, which makes the same bytes each time
(span_batch.py). Beside each attribute stands its key alone, for values whose text has many spellings, and what Jaeger
makes of other fields (`MADE_TAGS`) as if it were an attribute.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final
from zlib import crc32

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from observability.store.span_batch import SpanBatch

MADE_TAGS: Final = frozenset(
    [
        "span.kind",
        "otel.status_code",
        "otel.status_description",
        "otel.scope.name",
        "otel.scope.version",
        "w3c.tracestate",
        "event",
    ]
)
"""Keys of tags that no attribute of the span has to be behind."""

MAX_TAGS: Final = 65_536
"""Different tags of one chunk; one with more, and a body of 4 MiB may have ten times as many, is opened by every search."""

_FEW: Final = 2_048  # Up to so many tags, two bytes of each find at most 3 % of chunks by mistake; beyond it four are kept.
_NARROW: Final = "H"
_WIDE: Final = "I"
_LONGEST_SHORT_KEY: Final = 127  # Bytes of a key whose length protobuf writes in one byte.
_serialise: Final = KeyValue.SerializeToString


def hashes_of(batch: SpanBatch) -> bytes | None:
    """Hashes of all tags of a chunk, None when there are too many."""
    tags = {*batch.tags, *_made_tags(batch)}
    tags.update(map(_serialise, batch.resource.resource.attributes))
    tags.discard(b"")  # An attribute without key and value.
    tags |= _keys_of(tags)
    if len(tags) > MAX_TAGS:
        return None
    if len(tags) > _FEW:
        return array(_WIDE, {crc32(tag) for tag in tags}).tobytes()
    return array(_NARROW, {crc32(tag) & 0xFFFF for tag in tags}).tobytes()


def tag_of(key: str, value: AnyValue) -> bytes:
    """What stands for a tag: its bytes as an attribute."""
    return bytes(_serialise(KeyValue(key=key, value=value)))


def key_of(key: str) -> bytes:
    """What stands for a key, whatever its value."""
    (found,) = _keys_of([_serialise(KeyValue(key=key))])
    return found


def found_in(column: str, tag: bytes, parameter: str) -> tuple[str, dict[str, bytes]]:
    """SQL that is true where `column` holds the hash of a tag, and its values.

    `instr` also finds bytes that lie across two hashes, which makes mistakes twice as frequent; they cost time only.
    """
    wide = crc32(tag)
    values = {f"{parameter}_2": array(_NARROW, [wide & 0xFFFF]).tobytes(), f"{parameter}_4": array(_WIDE, [wide]).tobytes()}
    few = _FEW * array(_NARROW).itemsize
    found = f"CASE WHEN LENGTH({column}) <= {few} THEN INSTR({column}, :{parameter}_2) ELSE INSTR({column}, :{parameter}_4) END"
    return f"({column} IS NULL OR {found})", values


def _made_tags(batch: SpanBatch) -> Iterator[bytes]:
    """What Jaeger makes of names, states and scopes. Errors and kinds are columns and need no hash."""
    made = {("event", event.name) for event in batch.events}
    for scope in batch.resource.scope_spans:
        made |= {("otel.scope.name", scope.scope.name), ("otel.scope.version", scope.scope.version)}
    if batch.has_trace_states:
        made |= {("w3c.tracestate", span.trace_state) for span in batch.spans}
    for span, status in zip(batch.spans, batch.statuses, strict=True):
        if status:
            made.add(("otel.status_description", span.status.message))
            made.add(("otel.status_code", "OK" if status == Status.STATUS_CODE_OK else ""))
    return (tag_of(key, AnyValue(string_value=text)) for key, text in made if text)


def _keys_of(tags: Iterable[bytes]) -> set[bytes]:
    """The first bytes of attributes, which are those of their keys."""
    return {tag[: tag[1] + 2] if tag[1] <= _LONGEST_SHORT_KEY else tag[: _LONGEST_SHORT_KEY + 2] for tag in tags}
