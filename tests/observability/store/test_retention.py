from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from observability.store.catalog import Catalog
from observability.store.ingest import Ingest
from observability.store.retention import Retention
from observability.store.schema import open_for_writing
from observability.store.sealed import read_spans
from observability.store.span_batch import SpanBatch
from observability.store.span_rows import SpanRows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.observability.store.conftest import Spans

HOUR_S = 3_600


class Bench:
    """A file with the parts that write it, and a clock that the test sets."""

    def __init__(self, path: Path, max_size_mib: int) -> None:
        self.now_s = 0.0
        self.connection = open_for_writing(path, max_size_mib)
        self.catalog = Catalog(self.connection)
        self.ingest = Ingest(self.connection, self.catalog, lambda: self.now_s)
        self.retention = Retention(
            self.connection, self.catalog, max_size_mib=max_size_mib, max_age_s=HOUR_S, clock_s=lambda: self.now_s
        )

    def add(self, service: str, *spans: object) -> None:
        resource = ResourceSpans()
        resource.resource.attributes.add(key="service.name").value.string_value = service
        resource.scope_spans.add().spans.extend(spans)
        self.connection.execute("BEGIN")
        self.ingest.add([SpanBatch.of(read_spans(resource.SerializeToString()))])
        self.ingest.finish()
        self.connection.execute("COMMIT")

    def add_log(self, trace_id: bytes) -> None:
        resource = ResourceLogs()
        resource.scope_logs.add().log_records.add(trace_id=trace_id)
        self.connection.execute("BEGIN")
        self.ingest.add([resource])
        self.connection.execute("COMMIT")

    def count(self, table: str) -> int:
        return int(self.connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "telemetry.sqlite", max_size_mib=16)
    yield bench
    bench.connection.close()


def trace_ids(count: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(1, count + 1)]


def test_what_arrived_too_long_ago_is_deleted_with_all_that_only_it_needed(bench: Bench, span: Spans) -> None:
    old, new = trace_ids(2)
    bench.add("payments", span("POST /charges", old))
    bench.now_s = HOUR_S / 2
    bench.add("orders", span("POST /orders", new))
    bench.now_s = HOUR_S + 1
    assert bench.retention.prune() == 1
    tables = ("chunk", "span", "trace", "trace_chunk", "part", "tags", "operation", "service")
    assert [bench.count(table) for table in tables] == [1] * len(tables)
    assert bench.connection.execute("SELECT name FROM service").fetchone() == ("orders",)


def test_calls_are_forgotten_with_the_last_chunk_that_added_to_them(bench: Bench, span: Spans) -> None:
    caller = span()
    bench.add("orders", caller)
    bench.add("payments", span(parent=caller))
    bench.now_s = HOUR_S / 2
    bench.add("deliveries", span(parent=caller))
    bench.now_s = HOUR_S + 1
    bench.retention.prune()
    kept = "SELECT name FROM dependency JOIN service ON service.id = child"
    assert bench.connection.execute(kept).fetchall() == [("deliveries",)]
    bench.now_s = 2 * HOUR_S
    bench.retention.prune()
    assert bench.count("dependency") == 0


def test_the_number_of_a_service_that_is_gone_is_not_given_to_another(bench: Bench, span: Spans) -> None:
    caller = span()
    bench.add("orders", caller)
    bench.now_s = HOUR_S + 1
    bench.retention.prune()
    bench.add("carts", span(trace_id=trace_ids(1)[0]))
    bench.add("payments", span(parent=caller))
    joined = "SELECT COUNT(*) FROM dependency JOIN service ON service.id = parent"
    assert bench.connection.execute(joined).fetchone() == (0,)


def test_nothing_is_deleted_within_both_bounds(bench: Bench, span: Spans) -> None:
    bench.add("orders", span())
    bench.now_s = HOUR_S
    assert bench.retention.prune() == 0


def test_a_trace_stays_known_while_a_later_span_or_log_of_it_is_kept(bench: Bench, span: Spans) -> None:
    first, second = trace_ids(2)
    bench.add("orders", span(trace_id=first), span(trace_id=second))
    bench.now_s = HOUR_S / 2
    bench.add("orders", span(trace_id=first))
    bench.add_log(second)
    bench.now_s = HOUR_S + 1
    bench.retention.prune()
    assert (bench.count("span"), bench.count("log"), bench.count("trace")) == (1, 1, 2)


def test_a_deleted_trace_and_name_get_new_rows_when_they_come_again(bench: Bench, span: Spans) -> None:
    bench.add("orders", span())
    bench.now_s = HOUR_S + 1
    bench.retention.prune()
    bench.add("orders", span())
    (rows,) = bench.connection.execute("SELECT rows FROM span").fetchone()
    joined = "SELECT COUNT(*) FROM trace JOIN operation WHERE trace.id = ? AND operation.id = ?"
    (named,) = zip(*SpanRows.unpack(rows)[:2], strict=True)
    assert bench.connection.execute(joined, named).fetchone() == (1,)


def test_the_file_stays_within_its_size_and_keeps_the_newest(bench: Bench, span: Spans, tmp_path: Path) -> None:
    rng = random.Random(1)
    for trace_id in trace_ids(400):
        # Bytes that do not compress, so that 400 uploads are twice the bound.
        bench.add("orders", span(trace_id=trace_id, note=rng.randbytes(85_000)))
        bench.retention.prune()
    kept = [row[0] for row in bench.connection.execute("SELECT trace_id FROM trace ORDER BY id")]
    assert trace_ids(400)[-1] == kept[-1]
    assert kept == trace_ids(400)[-len(kept) :]
    assert 100 < len(kept) < 400
    assert (tmp_path / "telemetry.sqlite").stat().st_size <= 20 * 1024 * 1024


def test_a_step_that_sqlite_refuses_deletes_nothing(bench: Bench, span: Spans) -> None:
    bench.add("orders", span())
    bench.now_s = HOUR_S + 1
    bench.connection.execute("CREATE TRIGGER refuse BEFORE DELETE ON chunk BEGIN SELECT RAISE(ABORT, 'refused'); END")
    with pytest.raises(sqlite3.IntegrityError, match="refused"):
        bench.retention.prune()
    assert (bench.count("chunk"), bench.count("span"), bench.connection.in_transaction) == (1, 1, False)
