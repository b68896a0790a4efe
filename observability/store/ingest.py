"""Decoded OTLP to rows: what of each span and log record stands beside its chunk, for searches."""

import sqlite3
from collections import Counter
from collections.abc import Callable, MutableSequence, Sequence
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from observability.store.catalog import Catalog
from observability.store.chunks import pack
from observability.store.schema import Signal, item_id

UNKNOWN_SERVICE: Final = "unknown_service"
"""Name of a sender without `service.name` (semantic conventions of resources)."""

_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_NO_TRACE: Final = bytes(_TRACE_ID_BYTES)
_NO_SPAN: Final = bytes(_SPAN_ID_BYTES)
_NS_PER_US: Final = 1_000  # OTLP's unsigned nanoseconds fit SQLite's signed integers once they are microseconds.


class Ingest:
    """Inserts telemetry on the writer's connection, inside the writer's transaction."""

    def __init__(self, connection: sqlite3.Connection, catalog: Catalog, clock_s: Callable[[], float]) -> None:
        self._connection = connection
        self._catalog = catalog
        self._clock_s = clock_s

    def add(self, resources: Sequence[ResourceSpans] | Sequence[ResourceLogs]) -> int:
        """Inserts one upload and returns how many of its items were refused as wrong in themselves.

        Raises:
            sqlite3.Error: SQLite refused; the transaction must be rolled back.
        """
        rejected = 0
        for resource in resources:
            if isinstance(resource, ResourceSpans):
                rejected += self._add_spans(resource)
            else:
                self._add_logs(resource)
        return rejected

    def _add_spans(self, resource: ResourceSpans) -> int:
        rejected = sum(_drop_invalid(scope.spans) for scope in resource.scope_spans)
        service = self._catalog.service(service_name(resource.resource.attributes))
        operation, trace = self._catalog.operation, self._catalog.trace
        rows = [
            (
                trace(span.trace_id),
                operation(service, span.name, span.kind),
                (start_ns := span.start_time_unix_nano) // _NS_PER_US,
                max(0, span.end_time_unix_nano - start_ns) // _NS_PER_US,
                span.status.code == Status.STATUS_CODE_ERROR,
            )
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        if rows:
            first = self._add_chunk(Signal.SPANS, service, [row[2] for row in rows], resource)
            self._connection.executemany(
                "INSERT INTO span (id, trace, operation, start_us, duration_us, error) VALUES (?, ?, ?, ?, ?, ?)",
                ((item, *row) for item, row in enumerate(rows, first)),
            )
            counts = Counter(row[1] for row in rows)
            self._connection.executemany(
                "UPDATE operation SET spans = spans + ? WHERE id = ?", ((count, number) for number, count in counts.items())
            )
        return rejected

    def _add_logs(self, resource: ResourceLogs) -> None:
        records = [record for scope in resource.scope_logs for record in scope.log_records]
        if not records:
            return
        service = self._catalog.service(service_name(resource.resource.attributes))
        rows = [(self._trace_of(record), log_time_us(record), record.severity_number) for record in records]
        first = self._add_chunk(Signal.LOGS, service, [row[1] for row in rows], resource)
        self._connection.executemany(
            "INSERT INTO log (id, trace, time_us, severity) VALUES (?, ?, ?, ?)",
            ((item, *row) for item, row in enumerate(rows, first)),
        )

    def _add_chunk(self, signal: Signal, service: int, times_us: Sequence[int], resource: ResourceSpans | ResourceLogs) -> int:
        """Inserts the chunk and returns the id of its first item."""
        inserted = self._connection.execute(
            "INSERT INTO chunk (signal, service, received_s, first_us, last_us, body) VALUES (?, ?, ?, ?, ?, ?)",
            (signal, service, int(self._clock_s()), min(times_us), max(times_us), pack(resource)),
        )
        if inserted.lastrowid is None:
            raise sqlite3.InternalError("SQLite gave no number for a new chunk")
        return item_id(inserted.lastrowid, 0)

    def _trace_of(self, record: LogRecord) -> int | None:
        trace_id = record.trace_id
        return self._catalog.trace(trace_id) if len(trace_id) == _TRACE_ID_BYTES and trace_id != _NO_TRACE else None


def service_name(attributes: Sequence[KeyValue]) -> str:
    """`service.name` of a resource, or UNKNOWN_SERVICE."""
    return next((a.value.string_value for a in attributes if a.key == "service.name"), "") or UNKNOWN_SERVICE


def log_time_us(record: LogRecord) -> int:
    """When the event happened, in microseconds since 1970; when it was observed if the sender did not say."""
    return (record.time_unix_nano or record.observed_time_unix_nano) // _NS_PER_US


def _drop_invalid(spans: MutableSequence[Span]) -> int:
    """Deletes spans that no trace can hold, and returns how many there were."""
    invalid = [index for index, span in enumerate(spans) if not _is_valid(span.trace_id, span.span_id)]
    for index in reversed(invalid):
        del spans[index]
    return len(invalid)


def _is_valid(trace_id: bytes, span_id: bytes) -> bool:
    return len(trace_id) == _TRACE_ID_BYTES and len(span_id) == _SPAN_ID_BYTES and trace_id != _NO_TRACE and span_id != _NO_SPAN
