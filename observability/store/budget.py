"""A bound on the bytes that uploads may hold in memory between their first byte and their commit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class ByteBudget:
    """Bytes that may still be held. It never waits: what does not fit is refused at once, and the sender retries later.

    Used on the event loop's thread only, so it needs no lock. `on_change` is told how many bytes are held.
    """

    def __init__(self, limit_bytes: int, on_change: Callable[[int], None]) -> None:
        self.limit_bytes = limit_bytes
        self._held_bytes = 0
        self._on_change = on_change

    @contextmanager
    def hold(self) -> "Iterator[Hold]":
        """A hold of nothing yet, which is given back at the end of the block."""
        hold = Hold(self)
        try:
            yield hold
        finally:
            self._held_bytes -= hold.size_bytes
            self._on_change(self._held_bytes)

    def take(self, size_bytes: int) -> bool:
        """Takes `size_bytes`, or takes nothing and says False."""
        if self._held_bytes + size_bytes > self.limit_bytes:
            return False
        self._held_bytes += size_bytes
        self._on_change(self._held_bytes)
        return True


class Hold:
    """What one upload holds of a budget."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.size_bytes = 0

    def grow(self, size_bytes: int) -> bool:
        """Holds `size_bytes` more; False when the budget has no room for them."""
        if not self._budget.take(size_bytes):
            return False
        self.size_bytes += size_bytes
        return True
