"""What happened in the last so many seconds, in a bounded number of counters."""

BUCKETS = 10


class Window:
    """Counts calls, and of them the failed and the slow, over a sliding window of time, in `BUCKETS` slices of it.

    As in Resilience4j, a slice is forgotten as a whole and subtracted from totals, so that neither a result nor a question costs
    more when there are many calls. So a result counts for at least nine tenths of the window, and never for longer than it.
    """

    __slots__ = ("_buckets", "_latest", "_width_s", "calls", "failed", "slow")

    def __init__(self, length_s: float) -> None:
        self._width_s = length_s / BUCKETS
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.calls = self.failed = self.slow = 0
        self._buckets = [[0, 0, 0] for _ in range(BUCKETS)]
        self._latest = 0

    def add(self, now_s: float, failed: bool, slow: bool) -> None:  # noqa: FBT001 - called for every call, where names cost.
        """Counts a call that ended at `now_s`, and forgets what is older than the window."""
        number = int(now_s / self._width_s)
        if number != self._latest:
            self._forget(number)
        bucket = self._buckets[number % BUCKETS]
        bucket[0] += 1
        self.calls += 1
        if failed:
            bucket[1] += 1
            self.failed += 1
        if slow:
            bucket[2] += 1
            self.slow += 1

    def advance(self, now_s: float) -> None:
        """Forgets what is older than the window at `now_s`, so that its totals are of now."""
        number = int(now_s / self._width_s)
        if number != self._latest:
            self._forget(number)

    def _forget(self, number: int) -> None:
        for old in range(max(self._latest + 1, number - BUCKETS + 1), number + 1):
            bucket = self._buckets[old % BUCKETS]
            self.calls -= bucket[0]
            self.failed -= bucket[1]
            self.slow -= bucket[2]
            bucket[:] = 0, 0, 0
        self._latest = number
