"""What a search asks of a span that its row decides (span_rows.py)."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from observability.store.reader import TimeRange
from observability.store.span_rows import PackedRows

_LONGEST_US: Final = 2**63 - 1  # What a column may hold.


@dataclass(frozen=True, slots=True)
class SpanFilter:
    """Bounds, all of them included.

    Attributes:
        within: When the span started.
        operations: Numbers of operations, one of which it is; None for any.
        min_duration_us: Its least duration in microseconds.
        max_duration_us: Its greatest; None for no bound.
        is_failed: It failed.
    """

    within: TimeRange
    operations: Collection[int] | None
    min_duration_us: int
    max_duration_us: int | None
    is_failed: bool

    def positions(self, rows: PackedRows) -> list[int]:
        """Positions of the spans that are asked for."""
        within, failed = self.within, rows.failed
        every = range(len(failed.items))
        named = every if self.operations is None else rows.operations.among(self.operations)
        greatest_us = _LONGEST_US if self.max_duration_us is None else self.max_duration_us
        positions = rows.durations_us.between(self.min_duration_us, greatest_us, named)
        positions = rows.starts_us.between(within.start_us, within.end_us, positions)
        return failed.between(1, 1, positions) if self.is_failed else positions
