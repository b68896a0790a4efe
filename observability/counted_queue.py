"""What waits for an exporting thread of the SDK: bounded, and counted where it is lost. The SDK's own queues drop silently."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class CountedQueue:
    """Counts for one batch processor: `admit` in threads of the process, `hand_on` in the thread that exports.

    Args:
        limit: How many may wait.
        dropped: Is told how many were lost.
    """

    def __init__(self, limit: int, dropped: Callable[[int], None]) -> None:
        self._limit = limit
        self._dropped = dropped
        self._queued = 0  # Ever; `_taken` counts in the exporter's thread, so that neither counter has two writers.
        self._taken = 0

    @property
    def waiting(self) -> int:
        """How many are not on their way yet."""
        return self._queued - self._taken

    def admit(self) -> bool:
        """Whether one more may wait; it is counted as lost otherwise."""
        if self.waiting >= self._limit:
            self._dropped(1)
            return False
        self._queued += 1
        return True

    def withdraw(self) -> None:
        """Counts one as lost that was admitted and cannot be queued. In the thread that admitted it."""
        self._queued -= 1
        self._dropped(1)

    def hand_on(self, batch: Sequence[Item], export: Callable[[Sequence[Item]], Result], success: Result) -> Result:
        """Exports a batch; counts it as lost unless that ends in `success`."""
        self._taken += len(batch)
        result: Result | None = None
        try:
            result = export(batch)
        finally:
            if result is not success:
                self._dropped(len(batch))
        return result
