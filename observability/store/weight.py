"""How much of an answer a span or log record takes, so that no answer takes more memory than there should be."""

from typing import Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Of one trace or one list of log records: four of the longest bodies. As JSON they are some three times as long."""

_PART_BYTES: Final = 64  # What an attribute, event or link takes at least, whatever its own length.


def weight_of(item: Span | LogRecord) -> int:
    """Bytes that an item counts for: those of OTLP, and a fixed number for each of its parts."""
    parts = len(item.attributes)
    if isinstance(item, Span):
        parts += len(item.links) + sum(1 + len(event.attributes) for event in item.events)
    return int(item.ByteSize()) + parts * _PART_BYTES
