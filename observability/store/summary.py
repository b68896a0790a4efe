"""What the rows of a chunk have in common: when, how long, whether failed. A search rules chunks out by it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from observability.store.durations import duration_bits
from observability.store.span_rows import SpanRows


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


def by_operation(rows: SpanRows) -> Mapping[int, Summary]:
    """Rows of each operation."""
    starts_us: dict[int, list[int]] = {operation: [] for operation in dict.fromkeys(rows.operations)}
    for operation, start_us in zip(rows.operations, rows.starts_us, strict=True):
        starts_us[operation].append(start_us)
    durations, failed = dict.fromkeys(starts_us, 0), dict.fromkeys(starts_us, 0)
    # Many spans of a chunk have the same three in common.
    for operation, bit, has_failed in set(zip(rows.operations, duration_bits(rows.durations_us), rows.failed, strict=True)):
        durations[operation] |= bit
        if has_failed:
            failed[operation] |= bit
    return {
        operation: Summary(min(starts), max(starts), durations[operation], failed[operation], len(starts))
        for operation, starts in starts_us.items()
    }


def whole(parts: Iterable[Summary]) -> Summary:
    """Several summaries as one."""
    durations = failed = spans = 0
    starts: list[int] = []
    for part in parts:
        starts += (part.first_us, part.last_us)
        durations, failed, spans = durations | part.durations, failed | part.failed, spans + part.spans
    return Summary(min(starts), max(starts), durations, failed, spans)
