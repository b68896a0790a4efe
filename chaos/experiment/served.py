"""What a service itself served, from the telemetry store's file: server spans, second by second.

Independent of who was asked to inject what: a service that was dead has no spans.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from chaos.experiment.errors import EvidenceError
from chaos.experiment.windows import Window
from observability.store.schema import open_for_reading

_PER_SECOND = """
SELECT (span.start_us - :start_us) / 1000000 AS second, COUNT(*)
FROM span JOIN operation ON operation.id = span.operation JOIN service ON service.id = operation.service
WHERE service.name = :service AND operation.kind = :kind AND span.start_us >= :start_us
GROUP BY second
"""


@dataclass(frozen=True)
class Served:
    """Requests that a service began to serve, by second of the schedule."""

    by_second: Mapping[int, int]

    @classmethod
    def read(cls, store: Path, service: str, started_at: float) -> "Served":
        """Counts server spans of `service` from the schedule's start on. Raises EvidenceError when the store cannot be read."""
        if not store.exists():
            raise EvidenceError(f"{store}: is missing; the telemetry store kept nothing")
        values = {"service": service, "kind": int(Span.SPAN_KIND_SERVER), "start_us": round(started_at * 1_000_000)}
        try:
            with closing(open_for_reading(store)) as connection, closing(connection.execute(_PER_SECOND, values)) as rows:
                return cls({int(second): int(count) for second, count in rows})
        except sqlite3.Error as error:
            raise EvidenceError(f"{store}: {error}") from None

    def per_s(self, window: Window) -> float | None:
        """Mean rate over the whole seconds inside a window; None when there is none."""
        seconds = range(-int(-window.start_s // 1), int(window.end_s // 1))
        return sum(self.by_second.get(second, 0) for second in seconds) / len(seconds) if seconds else None
