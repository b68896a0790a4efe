"""What is deleted, and when: the oldest arrivals go first, beyond an age or beyond a size of the file."""

import sqlite3
from collections.abc import Callable
from typing import Final

from observability.store.catalog import Catalog
from observability.store.schema import item_id
from observability.store.span_rows import SpanRows
from observability.store.summary import by_operation

_STEP_CHUNKS: Final = 64  # Deleted in one transaction: a few milliseconds, so that uploads do not wait long behind it.
_MAX_STEPS: Final = 16  # In one call; what is left is deleted after the next upload.
_IN_CHUNK: Final = "id >= ? AND id < ?"
_MAX_DEPENDENCIES: Final = 4_096  # Looked at in one step. They are made in order of time, so the oldest stand first.
_DELETE_DEPENDENCIES: Final = (
    "DELETE FROM dependency WHERE id IN (SELECT id FROM (SELECT id, chunk FROM dependency ORDER BY id LIMIT :limit)"
    " WHERE chunk < (SELECT COALESCE(MIN(id), chunk + 1) FROM chunk))"
)
_BYTES_PER_MIB: Final = 1024 * 1024


class Retention:
    """Keeps the file within its bounds. For the writer only, outside its transactions."""

    def __init__(
        self, connection: sqlite3.Connection, catalog: Catalog, *, max_size_mib: int, max_age_s: int, clock_s: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._max_size_bytes = max_size_mib * _BYTES_PER_MIB
        self._max_age_s = max_age_s
        self._clock_s = clock_s

    def prune(self) -> int:
        """Deletes what is too old or too much, oldest first, and returns how many chunks that were.

        The file itself does not shrink; SQLite uses the freed pages for what comes next.

        Raises:
            sqlite3.Error: SQLite refused; nothing of the refused step is deleted.
        """
        deleted = 0
        for _ in range(_MAX_STEPS):
            chunks = self._oldest() if self._used_bytes() > self._max_size_bytes else self._expired()
            if not chunks:
                break
            self._delete(chunks)
            deleted += len(chunks)
        return deleted

    def oldest_received_s(self) -> int | None:
        """When the oldest chunk that is kept arrived, in seconds since 1970; None while nothing is kept."""
        row = self._connection.execute("SELECT received_s FROM chunk ORDER BY id LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def _used_bytes(self) -> int:
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        (page_size_bytes,) = self._connection.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * page_size_bytes)

    def _oldest(self) -> list[int]:
        return [row[0] for row in self._connection.execute("SELECT id FROM chunk ORDER BY id LIMIT ?", (_STEP_CHUNKS,))]

    def _expired(self) -> list[int]:
        """The oldest chunks, as far as they are too old. Numbers rise with arrival, so this looks at the first few only."""
        horizon_s = self._clock_s() - self._max_age_s
        query = "SELECT id FROM (SELECT id, received_s FROM chunk ORDER BY id LIMIT ?) WHERE received_s < ?"
        return [row[0] for row in self._connection.execute(query, (_STEP_CHUNKS, horizon_s))]

    def _delete(self, chunks: list[int]) -> None:
        """Deletes chunks, their rows, and the names and traces that nothing is left of."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            traces: set[int] = set()
            for chunk in chunks:
                traces |= self._delete_items(chunk)
                execute("DELETE FROM chunk WHERE id = ?", (chunk,))
            gone = [trace for trace in traces if self._is_unused(trace)]
            self._connection.executemany("DELETE FROM trace WHERE id = ?", ((trace,) for trace in gone))
            execute(_DELETE_DEPENDENCIES, {"limit": _MAX_DEPENDENCIES})
            execute("DELETE FROM operation WHERE spans <= 0")
            execute("DELETE FROM service WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.service = service.id)")
            execute("COMMIT")
        except BaseException:
            execute("ROLLBACK")
            raise
        finally:
            self._catalog.clear_names()
        self._catalog.forget_traces(set(gone))

    def _delete_items(self, chunk: int) -> set[int]:
        """Deletes all that stands beside a chunk and returns the traces that it had something of."""
        execute, items = self._connection.execute, (item_id(chunk, 0), item_id(chunk + 1, 0))
        traces = {trace for (trace,) in execute(f"SELECT trace FROM log WHERE {_IN_CHUNK} AND trace IS NOT NULL", items)}
        for (packed,) in execute("SELECT rows FROM span WHERE chunk = ?", (chunk,)).fetchall():
            rows = SpanRows.unpack(packed)
            traces.update(rows.traces)
            self._delete_parts(chunk, rows)
        self._connection.executemany(
            "DELETE FROM trace_chunk WHERE trace = ? AND chunk = ?", ((trace, chunk) for trace in traces)
        )
        execute(f"DELETE FROM log WHERE {_IN_CHUNK}", items)
        for table in ("span", "tags"):
            execute(f"DELETE FROM {table} WHERE chunk = ?", (chunk,))
        return traces

    def _delete_parts(self, chunk: int, rows: SpanRows) -> None:
        parts = by_operation(rows)
        self._connection.executemany(
            "UPDATE operation SET spans = spans - ? WHERE id = ?", ((of.spans, operation) for operation, of in parts.items())
        )
        self._connection.executemany(
            "DELETE FROM part WHERE operation = ? AND last_us = ? AND chunk = ?",
            ((operation, of.last_us, chunk) for operation, of in parts.items()),
        )

    def _is_unused(self, trace: int) -> bool:
        query = "SELECT EXISTS (SELECT 1 FROM trace_chunk WHERE trace = ?)"
        (used,) = self._connection.execute(query, (trace,)).fetchone()
        return not used
