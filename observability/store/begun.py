"""What a service began to serve, second by second, from the file of a store: nobody needs to serve it (any more)."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from observability.store.schema import open_for_reading
from observability.store.span_rows import PackedRows

_US_PER_S: Final = 1_000_000
_OPERATIONS: Final = (
    "SELECT operation.id FROM operation JOIN service ON service.id = operation.service WHERE service.name = ? AND kind = ?"
)
_ROWS: Final = "SELECT rows FROM span JOIN chunk ON chunk.id = span.chunk JOIN service ON service.id = service WHERE name = ?"


def begun_by_second(path: Path, service: str, kind: int, from_us: int) -> Mapping[int, int]:
    """How many spans of a kind (OTLP's SpanKind) a service began in each second from `from_us` (since 1970) on that has some.

    Raises:
        StoreUnusableError: Another version made the file.
        sqlite3.Error: It cannot be read.
    """
    begun: Counter[int] = Counter()
    with closing(open_for_reading(path)) as connection:
        wanted = {number for (number,) in connection.execute(_OPERATIONS, (service, kind))}
        for (packed,) in connection.execute(_ROWS, (service,)):
            rows = PackedRows.read(packed)
            starts_us = map(rows.starts_us.at, rows.operations.among(wanted))
            begun.update((start_us - from_us) // _US_PER_S for start_us in starts_us if start_us >= from_us)
    return begun
