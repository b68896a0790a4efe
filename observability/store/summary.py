"""What the rows of a chunk have in common: when, how long, whether failed. A search rules chunks out by it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from observability.store.durations import duration_bit

Row = tuple[int, int, int, int, bool]
"""A span beside its chunk: numbers of its trace and operation, start and duration in microseconds, whether it failed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Of some rows.

    Attributes:
        first_us: The earliest start, in microseconds since 1970.
        last_us: The latest start.
        durations: Classes of the durations (durations.py).
        failed: Classes of the durations of spans that failed.
        spans: How many there are.
    """

    first_us: int
    last_us: int
    durations: int
    failed: int
    spans: int


def by_operation(rows: Iterable[Row]) -> Mapping[int, Summary]:
    """Rows of each operation."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        group = groups.get(row[1])
        if group is None:
            groups[row[1]] = [row]
        else:
            group.append(row)
    return {operation: _summary(group) for operation, group in groups.items()}


def whole(parts: Iterable[Summary]) -> Summary:
    """Several summaries as one."""
    durations = failed = spans = 0
    starts: list[int] = []
    for part in parts:
        starts += (part.first_us, part.last_us)
        durations, failed, spans = durations | part.durations, failed | part.failed, spans + part.spans
    return Summary(min(starts), max(starts), durations, failed, spans)


def _summary(rows: Sequence[Row]) -> Summary:
    starts = [row[2] for row in rows]
    durations = failed = 0
    for row in rows:
        bit = duration_bit(row[3])
        durations |= bit
        if row[4]:
            failed |= bit
    return Summary(min(starts), max(starts), durations, failed, len(rows))
