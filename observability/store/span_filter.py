"""What a search asks of a span that its row decides (span_rows.py)."""

from collections.abc import Collection
from dataclasses import dataclass

from observability.store.reader import TimeRange
from observability.store.span_rows import SpanRows


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

    def positions(self, rows: SpanRows) -> list[int]:
        """Positions of the spans that are asked for."""
        first_us, last_us, least_us = self.within.start_us, self.within.end_us, self.min_duration_us
        positions = [
            position
            for position, (start_us, duration_us) in enumerate(zip(rows.starts_us, rows.durations_us, strict=True))
            if first_us <= start_us <= last_us and duration_us >= least_us
        ]
        if self.max_duration_us is not None:
            positions = [each for each in positions if rows.durations_us[each] <= self.max_duration_us]
        if self.operations is not None:
            positions = [each for each in positions if rows.operations[each] in self.operations]
        return [each for each in positions if rows.failed[each]] if self.is_failed else positions
