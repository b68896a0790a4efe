"""What a fault is given when it is applied to a request."""

from typing import Protocol


class Hold(Protocol):
    """One request in the hand of one lease."""

    async def wait(self, duration_ms: float) -> None:
        """Returns after `duration_ms` (never early), or at the end of the lease if that comes first."""
        ...

    async def wait_for_end(self) -> None:
        """Returns at the end of the lease, be it by time or by healing."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """A draw between the two from the lease's own seeded sequence."""
        ...
