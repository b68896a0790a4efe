"""How much of an answer a span or log record takes, so that no answer takes more memory than there should be."""

from typing import Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from observability.store.sealed import SealedSpan

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Of one trace or one list of log records: four of the longest bodies. As JSON they are some three times as long."""

_PART_BYTES: Final = 64  # What an attribute, event or link takes at least, whatever its own length.


def weight_of_span(span: SealedSpan, size_bytes: int) -> int:
    """Bytes that a span counts for: those of OTLP, and a fixed number for each of its parts."""
    parts = len(span.attributes) + len(span.links)
    if events := span.events:
        parts += sum(1 + len(event.attributes) for event in events)
    return size_bytes + parts * _PART_BYTES


def weight_of_log(record: LogRecord) -> int:
    """The same of a log record."""
    return int(record.ByteSize()) + len(record.attributes) * _PART_BYTES
