"""The reading side of the file: its chunks, newest first or by number."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from observability.store.chunks import Packing
from observability.store.durations import ALL_DURATIONS
from observability.store.errors import QueryTooLongError
from observability.store.schema import Signal
from observability.store.span_rows import PackedRows

QUERY_TIME_S: Final = 10.0
"""The longest that one search may read: a full store of the default size is read through in less."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Both ends included, in microseconds since 1970."""

    start_us: int = 0
    end_us: int = 2**63 - 1


ALL_TIME: Final = TimeRange()
"""No bound at either end."""


@dataclass(frozen=True, slots=True)
class ChunkFilter:
    """What a chunk must have for something in it to match; the rows in it are then looked at one by one.

    Attributes:
        signal: What it holds.
        within: When something in it happened.
        service: Number of its service; None for any.
        operations: Numbers of operations of which it has one; None for any.
        durations: Classes of durations of which it has one (durations.py); None for any.
        is_failed: A span of such a duration failed.
        tags: SQL about `tags.hashes`, and its values.
    """

    signal: Signal
    within: TimeRange = ALL_TIME
    service: int | None = None
    operations: Sequence[int] | None = None
    durations: int | None = None
    is_failed: bool = False
    tags: Sequence[str] = ()
    values: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk by number, and the latest time in it (microseconds since 1970)."""

    number: int
    last_us: int


class Reader:
    """Reads on its own connection. Not for two threads at once."""

    def __init__(self, connection: sqlite3.Connection, clock_s: Callable[[], float]) -> None:
        self.connection = connection
        self._clock_s = clock_s
        self._packing = Packing()

    def service(self, name: str) -> int | None:
        """Number of a service, None when nothing of it is kept."""
        row = self.connection.execute("SELECT id FROM service WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def trace(self, trace_id: bytes) -> int | None:
        """Number of a trace, None when nothing of it is kept."""
        row = self.connection.execute("SELECT id FROM trace WHERE trace_id = ?", (trace_id,)).fetchone()
        return None if row is None else int(row[0])

    def deadline_s(self) -> float:
        """When a search that begins now has to end, by this reader's clock."""
        return self._clock_s() + QUERY_TIME_S

    def newest_chunks(self, wanted: ChunkFilter, deadline_s: float) -> Iterator[Chunk]:
        """Chunks that may have what is wanted, those with the latest items first.

        Raises:
            QueryTooLongError: The caller still uses these chunks after `deadline_s`.
        """
        with closing(self.connection.execute(_chunk_query(wanted), _values(wanted))) as rows:
            for number, last_us in rows:
                if self._clock_s() > deadline_s:
                    raise QueryTooLongError(
                        f"the search read for {QUERY_TIME_S:g} s without an end; name a service or a shorter time"
                    )
                yield Chunk(number, last_us)

    def rows(self, chunk: int) -> PackedRows | None:
        """Rows of the spans of a chunk; None when it was deleted meanwhile."""
        row = self.connection.execute("SELECT rows FROM span WHERE chunk = ?", (chunk,)).fetchone()
        return None if row is None else PackedRows.read(row[0])

    def message(self, chunk: int) -> bytes:
        """A chunk's unpacked message; empty, as a message without items, when it was deleted meanwhile."""
        row = self.connection.execute("SELECT body FROM chunk WHERE id = ?", (chunk,)).fetchone()
        return b"" if row is None else self._packing.unpack(row[0])


def _chunk_query(wanted: ChunkFilter) -> str:
    """From `part` when operations are known, which is then all that needs to be read; from an index of `chunk` otherwise."""
    if wanted.operations is not None:
        table, number, first_us = "part", "part.chunk", "last_us - length_us"
        marks = ", ".join(str(int(operation)) for operation in wanted.operations)
        conditions = [f"operation IN ({marks})"]
    else:
        table, number, first_us = "chunk", "chunk.id", "first_us"
        conditions = ["signal = :signal"] if wanted.service is None else ["service = :service", "signal = :signal"]
    conditions += ["last_us >= :start", f"{first_us} <= :end", *wanted.tags]
    if wanted.durations is not None or wanted.is_failed:
        conditions.append(f"({'failed' if wanted.is_failed else 'durations'} & :durations) != 0")
    hashes = f"LEFT JOIN tags ON tags.chunk = {number}" if wanted.tags else ""
    return f"SELECT {number}, last_us FROM {table} {hashes} WHERE {' AND '.join(conditions)} ORDER BY last_us DESC"


def _values(wanted: ChunkFilter) -> dict[str, int | bytes | None]:
    return {
        "signal": wanted.signal,
        "service": wanted.service,
        "start": wanted.within.start_us,
        "end": wanted.within.end_us,
        "durations": ALL_DURATIONS if wanted.durations is None else wanted.durations,
        **wanted.values,
    }
