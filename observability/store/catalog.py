"""Short numbers for what repeats: services, span names and trace ids, found or made as rows arrive."""

import sqlite3
from collections.abc import Collection
from typing import Final

MAX_NAME_CHARS: Final = 256
"""Of a service or a span in the index; beyond it names are cut there, and whole in their chunk."""

_MAX_NAMES: Final = 4_096  # Remembered services and operations. A sender that puts ids into names must not grow the process.
_MAX_TRACES: Final = 4_096  # Remembered traces a generation: some 1 MiB, and a minute of the demo's load.


class Catalog:
    """Numbers by name, remembered within bounds. For the writer only, inside its transaction.

    After a rollback, `clear` it: numbers that were made in the transaction are gone from the file.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._services: dict[str, int] = {}
        self._operations: dict[tuple[int, str, int], int] = {}
        self._traces: dict[bytes, int] = {}
        self._older_traces: dict[bytes, int] = {}

    def clear(self) -> None:
        """Forgets everything remembered; the file keeps it."""
        self.clear_names()
        self._traces, self._older_traces = {}, {}

    def clear_names(self) -> None:
        """Forgets services and operations, which a deletion may have made numberless."""
        self._services, self._operations = {}, {}

    def forget_traces(self, deleted: Collection[int]) -> None:
        """Forgets traces whose rows were deleted, so that a late span gets a row again."""
        for generation in (self._traces, self._older_traces):
            for trace_id in [trace_id for trace_id, number in generation.items() if number in deleted]:
                del generation[trace_id]

    def service(self, name: str) -> int:
        """Number of a service."""
        name = name[:MAX_NAME_CHARS]  # Before it is remembered: a name may be as long as a body.
        number = self._services.get(name)
        if number is None:
            if len(self._services) >= _MAX_NAMES:
                self._services = {}
            number = self._services[name] = self._find_or_make("service", {"name": name})
        return number

    def operation(self, service: int, name: str, kind: int) -> int:
        """Number of a span name of a service. `kind` is OTLP's SpanKind."""
        name = name[:MAX_NAME_CHARS]
        key = (service, name, kind)
        number = self._operations.get(key)
        if number is None:
            if len(self._operations) >= _MAX_NAMES:
                self._operations = {}
            number = self._find_or_make("operation", {"service": service, "name": name, "kind": kind})
            self._operations[key] = number
        return number

    def trace(self, trace_id: bytes) -> int:
        """Number of a trace. The most recent few thousand are remembered, in two generations."""
        number = self._traces.get(trace_id)
        if number is None:
            number = self._older_traces.get(trace_id) or self._make_or_find_trace(trace_id)
            if len(self._traces) >= _MAX_TRACES:
                self._traces, self._older_traces = {}, self._traces
            self._traces[trace_id] = number
        return number

    def _make_or_find_trace(self, trace_id: bytes) -> int:
        """Makes it first: one that is not remembered is nearly always new."""
        made = self._connection.execute("INSERT INTO trace (trace_id) VALUES (?) ON CONFLICT DO NOTHING", (trace_id,))
        if made.rowcount and made.lastrowid is not None:
            return made.lastrowid
        (found,) = self._connection.execute("SELECT id FROM trace WHERE trace_id = ?", (trace_id,)).fetchone()
        return int(found)

    def _find_or_make(self, table: str, key: dict[str, str | int]) -> int:
        where = " AND ".join(f"{column} = ?" for column in key)
        found = self._connection.execute(f"SELECT id FROM {table} WHERE {where}", tuple(key.values())).fetchone()
        if found is not None:
            return int(found[0])
        marks = ", ".join("?" * len(key))
        made = self._connection.execute(f"INSERT INTO {table} ({', '.join(key)}) VALUES ({marks})", tuple(key.values()))
        if made.lastrowid is None:
            raise sqlite3.InternalError(f"SQLite gave no number for a new row of {table}")
        return made.lastrowid
