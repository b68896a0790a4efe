"""Decoded OTLP to rows: what of each span and log record stands beside its chunk, for searches."""

import sqlite3
from collections.abc import Callable, Sequence, Set
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from observability.store.catalog import Catalog
from observability.store.chunks import Packing
from observability.store.links import Links
from observability.store.otlp import Accepted
from observability.store.schema import Signal, item_id
from observability.store.span_batch import SpanBatch, is_trace_id
from observability.store.span_rows import SpanRows
from observability.store.summary import Summary, by_operation, whole
from observability.store.tag_hashes import hashes_of

UNKNOWN_SERVICE: Final = "unknown_service"
"""Name of a sender without `service.name` (semantic conventions of resources)."""

_NS_PER_US: Final = 1_000  # OTLP's unsigned nanoseconds fit SQLite's signed integers once they are microseconds.


class Ingest:
    """Inserts telemetry on the writer's connection, inside the writer's transaction."""

    def __init__(self, connection: sqlite3.Connection, catalog: Catalog, clock_s: Callable[[], float]) -> None:
        self._connection = connection
        self._catalog = catalog
        self._clock_s = clock_s
        self._links = Links()
        self._packing = Packing()
        self._last_chunk = 0

    def finish(self) -> None:
        """Writes what the uploads of a transaction add up to. To be called before its commit."""
        self._connection.executemany(
            "INSERT INTO dependency (parent, child, bucket, calls, errors, chunk) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (bucket, parent, child) DO UPDATE SET"
            " calls = calls + excluded.calls, errors = errors + excluded.errors, chunk = excluded.chunk",
            ((*call, calls, errors, self._last_chunk) for call, calls, errors in self._links.take()),
        )

    def forget(self) -> None:
        """Forgets what was remembered of uploads, after their transaction was rolled back."""
        self._catalog.clear()
        self._links.clear()

    def add(self, decoded: Sequence[SpanBatch] | Sequence[ResourceLogs]) -> Accepted:
        """Inserts one upload and returns what became of its items.

        Raises:
            sqlite3.Error: SQLite refused; the transaction must be rolled back.
        """
        spans = logs = rejected = 0
        for each in decoded:
            if isinstance(each, SpanBatch):
                spans, rejected = spans + len(each.spans), rejected + each.rejected
                if each.spans:
                    self._add_spans(each)
            else:
                logs += self._add_logs(each)
        return Accepted(spans, logs, rejected)

    def _add_spans(self, batch: SpanBatch) -> None:
        service = self._catalog.service(service_name(batch.resource.resource.attributes))
        rows = self._rows(batch, service)
        parts = by_operation(rows)
        chunk = self._add_chunk(Signal.SPANS, service, whole(parts.values()), batch.message)
        self._connection.execute("INSERT INTO span (chunk, rows) VALUES (?, ?)", (chunk, rows.pack()))
        self._connection.executemany(
            "INSERT INTO part (operation, last_us, chunk, length_us, durations, failed) VALUES (?, ?, ?, ?, ?, ?)",
            ((key, of.last_us, chunk, of.last_us - of.first_us, of.durations, of.failed) for key, of in parts.items()),
        )
        self._connection.executemany(
            "UPDATE operation SET spans = spans + ? WHERE id = ?", ((part.spans, key) for key, part in parts.items())
        )
        self._add_traces(chunk, {*rows.traces})
        hashes = hashes_of(batch)
        if hashes is not None:
            self._connection.execute("INSERT INTO tags (chunk, hashes) VALUES (?, ?)", (chunk, hashes))
        self._links.add(service, batch)

    def _rows(self, batch: SpanBatch, service: int) -> SpanRows:
        names = [(span.name, span.kind) for span in batch.spans]
        operations = {name: self._catalog.operation(service, *name) for name in dict.fromkeys(names)}
        traces = {trace_id: self._catalog.trace(trace_id) for trace_id in dict.fromkeys(batch.trace_ids)}
        starts_ns = [span.start_time_unix_nano for span in batch.spans]
        ends_ns = [span.end_time_unix_nano for span in batch.spans]
        durations_us = [(end_ns - start_ns) // _NS_PER_US for start_ns, end_ns in zip(starts_ns, ends_ns, strict=True)]
        return SpanRows(
            [traces[trace_id] for trace_id in batch.trace_ids],
            [operations[name] for name in names],
            [start_ns // _NS_PER_US for start_ns in starts_ns],
            durations_us if min(durations_us) >= 0 else [max(0, duration_us) for duration_us in durations_us],
            [int(status == Status.STATUS_CODE_ERROR) for status in batch.statuses],
        )

    def _add_logs(self, resource: ResourceLogs) -> int:
        """Returns how many records were kept."""
        records = [record for scope in resource.scope_logs for record in scope.log_records]
        if not records:
            return 0
        service = self._catalog.service(service_name(resource.resource.attributes))
        rows = [(self._trace_of(record), log_time_us(record), record.severity_number) for record in records]
        times_us = [row[1] for row in rows]
        chunk = self._add_chunk(
            Signal.LOGS, service, Summary(min(times_us), max(times_us), 0, 0, 0), resource.SerializeToString()
        )
        self._connection.executemany(
            "INSERT INTO log (id, trace, time_us, severity) VALUES (?, ?, ?, ?)",
            ((item, *row) for item, row in enumerate(rows, item_id(chunk, 0))),
        )
        self._add_traces(chunk, {trace for trace, _, _ in rows if trace is not None})
        return len(rows)

    def _add_traces(self, chunk: int, traces: Set[int]) -> None:
        """Notes which traces a chunk has something of."""
        self._connection.executemany("INSERT INTO trace_chunk (trace, chunk) VALUES (?, ?)", ((trace, chunk) for trace in traces))

    def _add_chunk(self, signal: Signal, service: int, of: Summary, message: bytes) -> int:
        """Inserts the chunk and returns its number."""
        inserted = self._connection.execute(
            "INSERT INTO chunk (signal, service, received_s, first_us, last_us, durations, failed, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                signal,
                service,
                int(self._clock_s()),
                of.first_us,
                of.last_us,
                of.durations,
                of.failed,
                self._packing.pack(message),
            ),
        )
        if inserted.lastrowid is None:
            raise sqlite3.InternalError("SQLite gave no number for a new chunk")
        self._last_chunk = inserted.lastrowid
        return inserted.lastrowid

    def _trace_of(self, record: LogRecord) -> int | None:
        return self._catalog.trace(record.trace_id) if is_trace_id(record.trace_id) else None


def service_name(attributes: Sequence[KeyValue]) -> str:
    """`service.name` of a resource, or UNKNOWN_SERVICE."""
    return next((a.value.string_value for a in attributes if a.key == "service.name"), "") or UNKNOWN_SERVICE


def log_time_us(record: LogRecord) -> int:
    """When the event happened, in microseconds since 1970; when it was observed if the sender did not say."""
    return (record.time_unix_nano or record.observed_time_unix_nano) // _NS_PER_US
