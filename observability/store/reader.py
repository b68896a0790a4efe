"""The reading side of the file: its chunks, newest first or by number."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from observability.store.chunks import unpack
from observability.store.errors import QueryTooLongError
from observability.store.schema import Signal

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
class Chunk:
    """A chunk by number, and the latest time in it (microseconds since 1970)."""

    number: int
    last_us: int


class Reader:
    """Reads on its own connection. Not for two threads at once."""

    def __init__(self, connection: sqlite3.Connection, clock_s: Callable[[], float]) -> None:
        self.connection = connection
        self._clock_s = clock_s

    def service(self, name: str) -> int | None:
        """Number of a service, None when nothing of it is kept."""
        row = self.connection.execute("SELECT id FROM service WHERE name = ?", (name,)).fetchone()
        return None if row is None else int(row[0])

    def trace(self, trace_id: bytes) -> int | None:
        """Number of a trace, None when nothing of it is kept."""
        row = self.connection.execute("SELECT id FROM trace WHERE trace_id = ?", (trace_id,)).fetchone()
        return None if row is None else int(row[0])

    def newest_chunks(self, signal: Signal, service: int | None, within: TimeRange) -> Iterator[Chunk]:
        """Chunks that overlap a time range, those with the latest items first.

        Raises:
            QueryTooLongError: The caller has used these chunks for more than QUERY_TIME_S.
        """
        deadline_s = self._clock_s() + QUERY_TIME_S
        of_service = "" if service is None else "service = :service AND"
        query = (
            f"SELECT id, last_us FROM chunk WHERE {of_service} signal = :signal AND last_us >= :start AND first_us <= :end"
            " ORDER BY last_us DESC"
        )
        values = {"service": service, "signal": signal, "start": within.start_us, "end": within.end_us}
        with closing(self.connection.execute(query, values)) as rows:
            for number, last_us in rows:
                if self._clock_s() > deadline_s:
                    raise QueryTooLongError(
                        f"the search read for {QUERY_TIME_S:g} s without an end; name a service or a shorter time"
                    )
                yield Chunk(number, last_us)

    def message(self, chunk: int) -> bytes:
        """A chunk's unpacked message; empty, as a message without items, when it was deleted meanwhile."""
        row = self.connection.execute("SELECT body FROM chunk WHERE id = ?", (chunk,)).fetchone()
        return b"" if row is None else unpack(row[0])
