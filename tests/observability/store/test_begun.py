from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from observability.store.begun import begun_by_second
from observability.store.catalog import Catalog
from observability.store.errors import StoreUnusableError
from observability.store.ingest import Ingest
from observability.store.schema import open_for_writing
from observability.store.sealed import read_spans
from observability.store.span_batch import SpanBatch

if TYPE_CHECKING:
    from pathlib import Path

SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT
FROM_US = 1_767_225_600_000_000


def write(path: Path, *spans: tuple[str, int, int]) -> None:
    """A file with spans, each a service, a kind and a start in microseconds after FROM_US."""
    with closing(open_for_writing(path, 16)) as connection:
        ingest = Ingest(connection, Catalog(connection), lambda: 0.0)
        connection.execute("BEGIN")
        for number, (service, kind, start_us) in enumerate(spans, 1):
            sent = ResourceSpans()
            sent.resource.attributes.add(key="service.name").value.string_value = service
            ids = {"trace_id": number.to_bytes(16, "big"), "span_id": number.to_bytes(8, "big")}
            start_ns = (FROM_US + start_us) * 1_000
            sent.scope_spans.add().spans.add(kind=kind, start_time_unix_nano=start_ns, end_time_unix_nano=start_ns, **ids)
            ingest.add([SpanBatch.of(read_spans(sent.SerializeToString()))])
        connection.execute("COMMIT")


def test_spans_of_the_service_and_the_kind_are_counted_by_second_from_the_start_on(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.sqlite"
    mine = [("orders", SERVER, start_us) for start_us in (0, 999_999, 2_000_000, -1)]
    write(path, *mine, ("orders", CLIENT, 0), ("payments", SERVER, 0))
    assert begun_by_second(path, "orders", SERVER, FROM_US) == {0: 2, 2: 1}


def test_a_service_without_spans_began_nothing(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.sqlite"
    write(path)
    assert begun_by_second(path, "orders", SERVER, FROM_US) == {}


def test_a_file_of_another_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.sqlite"
    with closing(open_for_writing(path, 16)) as connection:
        connection.execute("PRAGMA user_version = 4")
    with pytest.raises(StoreUnusableError, match=r"telemetry.sqlite: made by version 4 of the store, and this is version 5"):
        begun_by_second(path, "orders", SERVER, FROM_US)
