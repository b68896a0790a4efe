"""The spans of one resource in one upload, without those that no trace can hold."""

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_NO_TRACE: Final = bytes(_TRACE_ID_BYTES)
_NO_SPAN: Final = bytes(_SPAN_ID_BYTES)


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Spans by position in their chunk, read out of the message once: each look into it costs as much as a row.

    Attributes:
        resource: The message, which the chunk is made of.
        spans: Its spans.
        trace_ids: Their trace ids.
        keys: Their trace ids and span ids, which name a span among all.
        rejected: How many were deleted from the message for want of valid ids.
    """

    resource: ResourceSpans
    spans: Sequence[Span]
    trace_ids: Sequence[bytes]
    keys: Sequence[bytes]
    rejected: int

    @classmethod
    def of(cls, resource: ResourceSpans) -> "SpanBatch":
        """The valid spans of a message; the others are deleted from it."""
        batch = cls._read(resource, 0)
        if batch.is_valid():
            return batch
        return cls._read(resource, sum(_drop_invalid(scope.spans) for scope in resource.scope_spans))

    @classmethod
    def _read(cls, resource: ResourceSpans, rejected: int) -> "SpanBatch":
        spans = [span for scope in resource.scope_spans for span in scope.spans]
        trace_ids = [span.trace_id for span in spans]
        keys = [trace_id + span.span_id for trace_id, span in zip(trace_ids, spans, strict=True)]
        return cls(resource, spans, trace_ids, keys, rejected)

    def is_valid(self) -> bool:
        """Whether all ids are valid; decided for all spans at once, since they nearly always are."""
        return (
            {*map(len, self.trace_ids)} <= {_TRACE_ID_BYTES}
            and {*map(len, self.keys)} <= {_TRACE_ID_BYTES + _SPAN_ID_BYTES}
            and _NO_TRACE not in self.trace_ids
            and not any(key.endswith(_NO_SPAN) for key in self.keys)
        )


def is_trace_id(trace_id: bytes) -> bool:
    """Whether a trace can have that id."""
    return len(trace_id) == _TRACE_ID_BYTES and trace_id != _NO_TRACE


def _drop_invalid(spans: MutableSequence[Span]) -> int:
    """Deletes spans that no trace can hold, and returns how many there were."""
    invalid = [index for index, span in enumerate(spans) if not (is_trace_id(span.trace_id) and _is_span_id(span.span_id))]
    for index in reversed(invalid):
        del spans[index]
    return len(invalid)


def _is_span_id(span_id: bytes) -> bool:
    return len(span_id) == _SPAN_ID_BYTES and span_id != _NO_SPAN
