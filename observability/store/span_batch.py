"""The spans of one resource in one upload, without those that the store does not keep."""

from collections.abc import MutableSequence, Sequence, Set
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types.
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Status

from observability.store.errors import InvalidUploadError
from observability.store.sealed import SealedEvent, SealedSpan, SealedSpans, are_as_written_here, read_merged, read_spans

MAX_PARTS: Final = 16_384
"""Attributes, events and links of a span. An SDK sends 128 of each; of empty ones, two bytes each, a body could hold millions."""

_LEAST_PART_BYTES: Final = 2
_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_NO_TRACE: Final = bytes(_TRACE_ID_BYTES)
_NO_SPAN: Final = bytes(_SPAN_ID_BYTES)


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Spans by position in their chunk, read out of the message once: each look into it costs as much as a row.

    Attributes:
        resource: The message.
        message: The same as bytes, which the chunk is made of.
        spans: Its spans.
        trace_ids: Their trace ids.
        keys: Their trace ids and span ids, which name a span among all.
        statuses: The codes of their statuses.
        events: Their events.
        has_links: Whether any of them has one.
        has_trace_states: Whether any of them has one.
        tags: The different attributes of spans and events, each as protobuf's own writer writes it.
        rejected: How many spans were deleted from the message, for want of valid ids or for too many parts.
    """

    resource: SealedSpans
    message: bytes
    spans: Sequence[SealedSpan]
    trace_ids: Sequence[bytes]
    keys: Sequence[bytes]
    statuses: Sequence[int]
    events: Sequence[SealedEvent]
    has_links: bool
    has_trace_states: bool
    tags: Set[bytes]
    rejected: int

    @classmethod
    def of(cls, resource: SealedSpans) -> "SpanBatch":
        """The valid spans of a message; the others are deleted from it.

        Raises:
            InvalidUploadError: An attribute is none.
        """
        batch = cls._read(resource, 0)
        if not batch.is_as_written_here():
            batch = cls._read(_written_here(batch.message), 0)
        if batch.is_valid():
            return batch
        return cls._read(batch.resource, sum(_drop_invalid(scope.spans) for scope in batch.resource.scope_spans))

    @classmethod
    def _read(cls, resource: SealedSpans, rejected: int) -> "SpanBatch":
        message = resource.SerializeToString()
        spans = [span for scope in resource.scope_spans for span in scope.spans]
        trace_ids = [span.trace_id for span in spans]
        keys = [trace_id + span.span_id for trace_id, span in zip(trace_ids, spans, strict=True)]
        merged = read_merged(message).scope_spans.spans
        statuses = [span.status.code for span in spans] if merged.status.code else [Status.STATUS_CODE_UNSET] * len(spans)
        events = list(merged.events)
        tags = set(merged.attributes).union(*(event.attributes for event in events))
        return cls(
            resource,
            message,
            spans,
            trace_ids,
            keys,
            statuses,
            events,
            bool(merged.links),
            bool(merged.trace_state),
            tags,
            rejected,
        )

    def is_as_written_here(self) -> bool:
        """Whether all attributes are the bytes that a search looks for. Raises InvalidUploadError."""
        try:
            return are_as_written_here(self.tags)
        except DecodeError as error:
            raise InvalidUploadError(f"an attribute in the body is not a protobuf KeyValue: {error}") from error

    def is_valid(self) -> bool:
        """Whether all can be kept; decided for all spans at once, since they nearly always are."""
        return (
            {*map(len, self.trace_ids)} <= {_TRACE_ID_BYTES}
            and {*map(len, self.keys)} <= {_TRACE_ID_BYTES + _SPAN_ID_BYTES}
            and _NO_TRACE not in self.trace_ids
            and _NO_SPAN not in {key[_TRACE_ID_BYTES:] for key in self.keys}
            and (  # Few bytes cannot have too many parts, and there nearly always are few.
                len(self.message) < MAX_PARTS * _LEAST_PART_BYTES or all(_parts_of(span) <= MAX_PARTS for span in self.spans)
            )
        )


def _written_here(message: bytes) -> SealedSpans:
    return read_spans(ResourceSpans.FromString(message).SerializeToString())


def is_trace_id(trace_id: bytes) -> bool:
    """Whether a trace can have that id."""
    return len(trace_id) == _TRACE_ID_BYTES and trace_id != _NO_TRACE


def _drop_invalid(spans: MutableSequence[SealedSpan]) -> int:
    """Deletes spans without valid ids or with too many parts, and returns how many there were."""
    valid = [span for span in spans if is_trace_id(span.trace_id) and _is_span_id(span.span_id) and _parts_of(span) <= MAX_PARTS]
    rejected = len(spans) - len(valid)
    if rejected:  # All at once: to delete one of many moves all that follow it.
        del spans[:]
        spans.extend(valid)
    return rejected


def _parts_of(span: SealedSpan) -> int:
    """How many attributes, links and events a span has, with the events' attributes."""
    return len(span.attributes) + len(span.links) + sum(1 + len(event.attributes) for event in span.events)


def _is_span_id(span_id: bytes) -> bool:
    return len(span_id) == _SPAN_ID_BYTES and span_id != _NO_SPAN
