"""Queries about spans: services, operations, search, one trace."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Final

from observability.store import jaeger
from observability.store.catalog import MAX_NAME_CHARS
from observability.store.chunks import SpanChunk, StoredSpan
from observability.store.durations import durations_between
from observability.store.opened import OpenedChunks
from observability.store.reader import ALL_TIME, Chunk, ChunkFilter, Reader, TimeRange
from observability.store.schema import Signal
from observability.store.span_filter import SpanFilter
from observability.store.span_rows import positions_of
from observability.store.tags import TagFilter
from observability.store.weight import MAX_ANSWER_BYTES, weight_of_span

MAX_NAMES: Final = 5_000
"""Of services or operations in an answer."""

MAX_TRACE_SPANS: Final = 10_000
"""Of one trace in an answer; a longer one is cut, and says so in its warnings."""

_ROWS_OF_TRACE: Final = (
    "SELECT span.chunk, rows FROM trace_chunk JOIN span ON span.chunk = trace_chunk.chunk"
    " WHERE trace_chunk.trace = ? ORDER BY trace_chunk.chunk"
)
_KINDS_KEPT: Final = 4_096  # Of operations, in one search.


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """A search. A trace is found when one of its spans has all that is asked for.

    Attributes:
        service: Its name; None for any service.
        operation: A span name of that service; None for any.
        tags: Values as text by key (observability.store.tags).
        within: When the span started.
        min_duration_us: Its least duration in microseconds.
        max_duration_us: Its greatest; None for no bound.
        limit: How many traces, the most recent ones.
    """

    service: str | None = None
    operation: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    within: TimeRange = ALL_TIME
    min_duration_us: int = 0
    max_duration_us: int | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Operation:
    """A span name of a service, and Jaeger's name of its kind (empty when unspecified)."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Search:
    """Which chunks to look into, which spans are wanted of them, and what the kind of an operation is."""

    chunks: ChunkFilter
    spans: SpanFilter
    tags: TagFilter
    kind_of: Callable[[int], int | None]


class Traces:
    """Answers queries about spans."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._opened = OpenedChunks[StoredSpan](reader.message, SpanChunk)

    def services(self) -> list[str]:
        """Names of services that have spans, in alphabetical order."""
        query = "SELECT name FROM service WHERE id IN (SELECT service FROM operation) ORDER BY name LIMIT ?"
        return [name for (name,) in self._reader.connection.execute(query, (MAX_NAMES,))]

    def operations(self, service: str) -> list[Operation]:
        """Span names of a service, in alphabetical order; none for an unknown service."""
        query = "SELECT name, kind FROM operation WHERE service = ? ORDER BY name, kind LIMIT ?"
        rows = self._reader.connection.execute(query, (self._reader.service(service), MAX_NAMES))
        return [Operation(name, jaeger.KINDS.get(kind, "")) for name, kind in rows]

    def search(self, query: TraceQuery) -> list[bytes]:
        """Ids of the traces found, the most recent first. Raises QueryTooLongError."""
        search = self._search(query)
        if search is None:
            return []
        found: dict[int, int] = {}
        for chunk in self._reader.newest_chunks(search.chunks, self._reader.deadline_s()):
            if len(found) >= query.limit:
                found = dict(heapq.nlargest(query.limit, found.items(), key=lambda item: item[1]))
                if chunk.last_us < min(found.values()):
                    break
            for trace, start_us in self._matches(chunk, search):
                found[trace] = max(start_us, found.get(trace, 0))
        newest = heapq.nlargest(query.limit, found.items(), key=lambda item: item[1])
        return [trace_id for number, _ in newest for trace_id in self._trace_id(number)]

    def trace(self, trace_id: bytes) -> bytes | None:
        """A trace in Jaeger's JSON form, None when none of its spans is kept."""
        places = list(islice(self._places(trace_id), MAX_TRACE_SPANS + 1))
        spans: dict[bytes, StoredSpan] = {}
        weight = 0
        for chunk, position in places[:MAX_TRACE_SPANS]:
            opened = self._opened.get(chunk)
            # A sender that missed our answer sends the same span again; the first one counts.
            if position < len(opened) and (stored := opened[position]).span.span_id not in spans:
                weight += weight_of_span(stored.span, stored.size_bytes)
                if weight > MAX_ANSWER_BYTES:
                    break
                spans[stored.span.span_id] = stored
        warnings = (
            [f"the trace has more than {MAX_TRACE_SPANS} spans; the rest is not shown"] if len(places) > MAX_TRACE_SPANS else []
        )
        if weight > MAX_ANSWER_BYTES:
            warnings.append(f"the trace has more than {MAX_ANSWER_BYTES} bytes; the rest is not shown")
        return jaeger.trace(trace_id, list(spans.values()), warnings) if places else None

    def _places(self, trace_id: bytes) -> Iterator[tuple[int, int]]:
        """Chunk and position of each span of a trace."""
        number = self._reader.trace(trace_id)
        if number is not None:
            with closing(self._reader.connection.execute(_ROWS_OF_TRACE, (number,))) as found:
                for chunk, rows in found:
                    yield from ((chunk, position) for position in positions_of(number, rows))

    def _search(self, query: TraceQuery) -> _Search | None:
        """What has to be looked at; None when nothing can be found."""
        service = None if query.service is None else self._reader.service(query.service)
        operations = None if query.operation is None else self._operations(service, query.operation)
        if (query.service is not None and service is None) or operations == []:
            return None
        tag_filter = TagFilter(query.tags)
        has_durations = query.min_duration_us or query.max_duration_us is not None
        tags, values = tag_filter.chunk_conditions
        chunks = ChunkFilter(
            Signal.SPANS,
            query.within,
            service,
            operations,
            durations_between(query.min_duration_us, query.max_duration_us) if has_durations else None,
            tag_filter.is_failed,
            tags,
            values,
        )
        spans = SpanFilter(query.within, operations, query.min_duration_us, query.max_duration_us, tag_filter.is_failed)
        return _Search(chunks, spans, tag_filter, lru_cache(_KINDS_KEPT)(self._kind))

    def _operations(self, service: int | None, name: str) -> list[int]:
        """Numbers of the operations of a name, of one service or of all."""
        query = "SELECT id FROM operation WHERE name = :name AND (:service IS NULL OR service = :service) LIMIT :limit"
        values = {"name": name[:MAX_NAME_CHARS], "service": service, "limit": MAX_NAMES}
        return [number for (number,) in self._reader.connection.execute(query, values)]

    def _kind(self, operation: int) -> int | None:
        """OTLP's SpanKind of an operation, None when it was deleted meanwhile."""
        row = self._reader.connection.execute("SELECT kind FROM operation WHERE id = ?", (operation,)).fetchone()
        return None if row is None else int(row[0])

    def _matches(self, chunk: Chunk, search: _Search) -> list[tuple[int, int]]:
        """Trace number and start of the spans of a chunk that match."""
        rows = self._reader.rows(chunk.number)
        if rows is None:
            return []
        tags, positions = search.tags, search.spans.positions(rows)
        if tags.kind is not None:
            positions = [each for each in positions if search.kind_of(rows.operations.at(each)) == tags.kind]
        if positions and tags.needs_spans:
            if not tags.may_be_in(self._reader.message(chunk.number)):
                return []
            spans = self._opened.get(chunk.number)
            positions = [each for each in positions if each < len(spans) and tags.matches(spans[each])]
        return [(rows.traces.at(each), rows.starts_us.at(each)) for each in positions]

    def _trace_id(self, number: int) -> Sequence[bytes]:
        """The trace's id, or nothing when it was deleted meanwhile."""
        row = self._reader.connection.execute("SELECT trace_id FROM trace WHERE id = ?", (number,)).fetchone()
        return () if row is None else (row[0],)
