"""The index finds what reading everything would find: chunks are ruled out by it, never in by it."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from observability.store.catalog import Catalog
from observability.store.chunks import StoredSpan
from observability.store.durations import ALL_DURATIONS, duration_bits, durations_between
from observability.store.ingest import Ingest
from observability.store.reader import Reader, TimeRange
from observability.store.schema import open_for_reading, open_for_writing
from observability.store.sealed import read_span, read_spans
from observability.store.span_batch import SpanBatch
from observability.store.tag_hashes import found_in, hashes_of, tag_of
from observability.store.tags import TagFilter
from observability.store.traces import TraceQuery, Traces
from tests.observability.store.conftest import attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SERVICES = ("gateway", "orders", "payments")
OPERATIONS = ("GET", "POST")
TAGS = {"order": 9, "paid": True, "total": 2.5, "note": "a=b", "empty": ""}


class Everything:
    """A store of random spans, and the spans themselves."""

    def __init__(self, path: Path, seed: int) -> None:
        self._rng = random.Random(seed)
        self.stored: list[tuple[str, StoredSpan]] = []
        writing = open_for_writing(path, 16)
        ingest = Ingest(writing, Catalog(writing), lambda: 0.0)
        for _ in range(40):
            resource = self._resource()
            writing.execute("BEGIN")
            ingest.add([SpanBatch.of(read_spans(resource.SerializeToString()))])
            ingest.finish()
            writing.execute("COMMIT")
        writing.close()
        self.reading = open_for_reading(path)
        self.traces = Traces(Reader(self.reading, lambda: 0.0))

    def found_by_reading(self, query: TraceQuery) -> list[bytes]:
        """Traces that have a span with all that is asked for, the most recent first."""
        newest: dict[bytes, int] = {}
        for service, stored in self.stored:
            if _matches(query, service, stored):
                start_us = stored.span.start_time_unix_nano // 1_000
                newest[stored.span.trace_id] = max(start_us, newest.get(stored.span.trace_id, 0))
        return sorted(newest, key=lambda trace_id: -newest[trace_id])[: query.limit]

    def random_query(self) -> TraceQuery:
        """Some conditions of all kinds."""
        rng = self._rng
        start_us, least_us = rng.randrange(2_000), rng.choice([0, 0, 1, 50, 400])
        keys = rng.sample([*TAGS, "error", "span.kind", "event"], rng.choice([0, 0, 1, 1, 2]))
        texts = {"order": str(rng.randrange(40)), "paid": "true", "total": "2.5", "note": "a=b", "empty": ""}
        texts |= {"error": "true", "span.kind": "server", "event": "retry"}
        return TraceQuery(
            service=rng.choice([None, *SERVICES]),
            operation=rng.choice([None, *OPERATIONS, "PUT"]),
            tags={key: texts[key] for key in keys},
            within=rng.choice([TimeRange(), TimeRange(start_us, start_us + rng.randrange(1_500))]),
            min_duration_us=least_us,
            max_duration_us=rng.choice([None, least_us + rng.randrange(500)]),
            limit=rng.choice([1, 5, 1_000]),
        )

    def _resource(self) -> ResourceSpans:
        resource, service = ResourceSpans(), self._rng.choice(SERVICES)
        resource.resource.attributes.extend(attributes({"service.name": service}))
        spans = [self._span() for _ in range(self._rng.randrange(1, 12))]
        scope = resource.scope_spans.add()
        scope.spans.extend(spans)
        sender = resource.resource.SerializeToString()
        messages = [span.SerializeToString() for span in spans]
        self.stored += [(service, StoredSpan(read_span(each), len(each), scope.scope, sender)) for each in messages]
        return resource

    def _span(self) -> Span:
        rng, number = self._rng, len(self.stored) + self._rng.randrange(10**9)
        start_us = rng.randrange(2_000) * 1_000 + number % 1_000  # No two alike, so that their order is not left open.
        values = {key: value for key, value in TAGS.items() if rng.random() < 0.3} | {"order": rng.randrange(40)}
        span = Span(
            trace_id=rng.randbytes(16),
            span_id=rng.randbytes(8),
            name=rng.choice(OPERATIONS),
            kind=rng.choice([Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT]),
            start_time_unix_nano=start_us * 1_000,
            end_time_unix_nano=(start_us + int(rng.expovariate(1 / 100))) * 1_000,
            attributes=attributes(values),
            status=Status(code=rng.choice([Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR])),
        )
        if rng.random() < 0.2:
            span.events.add(name="retry")
        return span


def _matches(query: TraceQuery, service: str, stored: StoredSpan) -> bool:
    start_us = stored.span.start_time_unix_nano // 1_000
    duration_us = stored.span.end_time_unix_nano // 1_000 - start_us
    kinds: dict[int, str] = {Span.SPAN_KIND_SERVER: "server", Span.SPAN_KIND_CLIENT: "client"}
    tags = dict(query.tags)
    is_error, kind = tags.pop("error", None), tags.pop("span.kind", None)
    return (
        query.service in (None, service)
        and query.operation in (None, stored.span.name)
        and query.within.start_us <= start_us <= query.within.end_us
        and query.min_duration_us <= duration_us <= (2**63 if query.max_duration_us is None else query.max_duration_us)
        and (is_error is None or stored.span.status.code == Status.STATUS_CODE_ERROR)
        and (kind is None or kinds[stored.span.kind] == kind)
        and TagFilter(tags).matches(stored)
    )


@pytest.fixture(params=range(3))
def everything(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Everything]:
    everything = Everything(tmp_path / "telemetry.sqlite", request.param)
    yield everything
    everything.reading.close()


def test_a_search_finds_what_reading_everything_finds(everything: Everything) -> None:
    found = 0
    for _ in range(300):
        query = everything.random_query()
        expected = everything.found_by_reading(query)
        assert everything.traces.search(query) == expected, query
        found += len(expected)
    assert found > 300  # The queries are not all in vain.


def chunk_of(values: Sequence[dict[str, object]]) -> SpanBatch:
    resource = ResourceSpans()
    spans = resource.scope_spans.add().spans
    for number, each in enumerate(values, 1):
        spans.add(trace_id=bytes(15) + b"\1", span_id=number.to_bytes(8, "big"), attributes=attributes(each))
    return SpanBatch.of(read_spans(resource.SerializeToString()))


def is_found(hashes: bytes | None, key: str, value: str) -> bool:
    connection = sqlite3.connect(":memory:")
    condition, values = found_in(":hashes", tag_of(key, AnyValue(string_value=value)), "tag")
    (found,) = connection.execute(f"SELECT {condition}", {**values, "hashes": hashes}).fetchone()
    connection.close()
    return bool(found)


@pytest.mark.parametrize("tags", [10, 1_000, 5_000, 60_000])
def test_every_tag_of_a_chunk_is_found_and_few_others_by_mistake(tags: int) -> None:
    hashes = hashes_of(chunk_of([{f"key{number % 50}": f"value {number}"} for number in range(tags)]))
    assert all(is_found(hashes, f"key{number % 50}", f"value {number}") for number in range(0, tags, tags // 10))
    assert sum(is_found(hashes, "key", f"other {number}") for number in range(200)) <= 20


def test_a_chunk_of_more_tags_than_are_hashed_may_have_any() -> None:
    hashes = hashes_of(
        chunk_of([{f"key{number}": "v" for number in range(10_000 * part, 10_000 * part + 10_000)} for part in range(7)])
    )
    assert hashes is None
    assert is_found(hashes, "any", "thing")


def bit_of(duration_us: int) -> int:
    (bit,) = duration_bits([duration_us])
    return bit


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_longer_durations_have_no_lower_class(one_us: int, other_us: int) -> None:
    shorter, longer = sorted((one_us, other_us))
    assert bit_of(shorter) <= bit_of(longer)
    assert bit_of(longer) & ALL_DURATIONS == bit_of(longer)


@given(st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_duration_within_bounds_has_its_class_among_theirs(one_us: int, two_us: int, three_us: int) -> None:
    least_us, duration_us, greatest_us = sorted((one_us, two_us, three_us))
    assert bit_of(duration_us) & durations_between(least_us, greatest_us)
    assert bit_of(duration_us) & durations_between(least_us, None)


def test_a_duration_far_beyond_bounds_does_not() -> None:
    assert not bit_of(100) & durations_between(200, 400)
    assert not bit_of(900) & durations_between(200, 400)
