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
from observability.store.links import Links
from observability.store.otlp import Accepted
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
        self._links = Links()
        self._last_chunk = 0

    def finish(self) -> None:
        """Writes what the uploads of a transaction add up to. To be called before its commit."""
        self._connection.executemany(
            "INSERT INTO dependency (parent, child, bucket, calls, chunk) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (bucket, parent, child) DO UPDATE SET calls = calls + excluded.calls, chunk = excluded.chunk",
            ((*call, calls, self._last_chunk) for call, calls in self._links.take()),
        )

    def forget(self) -> None:
        """Forgets what was remembered of uploads, after their transaction was rolled back."""
        self._catalog.clear()
        self._links.clear()

    def add(self, resources: Sequence[ResourceSpans] | Sequence[ResourceLogs]) -> Accepted:
        """Inserts one upload and returns what became of its items.

        Raises:
            sqlite3.Error: SQLite refused; the transaction must be rolled back.
        """
        spans = logs = rejected = 0
        for resource in resources:
            if isinstance(resource, ResourceSpans):
                kept, refused = self._add_spans(resource)
                spans, rejected = spans + kept, rejected + refused
            else:
                logs += self._add_logs(resource)
        return Accepted(spans, logs, rejected)

    def _add_spans(self, resource: ResourceSpans) -> tuple[int, int]:
        """Returns how many spans were kept and how many refused."""
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
            self._links.add(service, (span for scope in resource.scope_spans for span in scope.spans))
        return len(rows), rejected

    def _add_logs(self, resource: ResourceLogs) -> int:
        """Returns how many records were kept."""
        records = [record for scope in resource.scope_logs for record in scope.log_records]
        if not records:
            return 0
        service = self._catalog.service(service_name(resource.resource.attributes))
        rows = [(self._trace_of(record), log_time_us(record), record.severity_number) for record in records]
        first = self._add_chunk(Signal.LOGS, service, [row[1] for row in rows], resource)
        self._connection.executemany(
            "INSERT INTO log (id, trace, time_us, severity) VALUES (?, ?, ?, ?)",
            ((item, *row) for item, row in enumerate(rows, first)),
        )
        return len(rows)

    def _add_chunk(self, signal: Signal, service: int, times_us: Sequence[int], resource: ResourceSpans | ResourceLogs) -> int:
        """Inserts the chunk and returns the id of its first item."""
        inserted = self._connection.execute(
            "INSERT INTO chunk (signal, service, received_s, first_us, last_us, body) VALUES (?, ?, ?, ?, ?, ?)",
            (signal, service, int(self._clock_s()), min(times_us), max(times_us), pack(resource)),
        )
        if inserted.lastrowid is None:
            raise sqlite3.InternalError("SQLite gave no number for a new chunk")
        self._last_chunk = inserted.lastrowid
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
