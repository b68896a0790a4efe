"""What became of the arrivals, and how late the generator itself was.

A load generator that falls behind measures itself, not the system. So it counts every arrival of its schedule, once, and keeps
the lateness of every first request: the evidence that the load was delivered as planned.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

LATE_MS: Final = 10.0
"""A journey that starts later than this after its intended instant counts as late."""
_MAX_SAMPLES: Final = 1_000_000


@dataclass
class JourneyCounts:
    """Arrivals of one kind of journey.

    Once all have ended, intended = sent + skipped + dropped, and sent = completed + failed + abandoned.
    """

    intended: int = 0
    """Arrivals whose instant came."""
    sent: int = 0
    """Their first request went out."""
    late: int = 0
    """It went out more than LATE_MS after its instant."""
    completed: int = 0
    """Every step was answered as it should be."""
    failed: int = 0
    """A step was answered wrongly or not at all."""
    abandoned: int = 0
    """The customer lost patience."""
    skipped: int = 0
    """There was nothing to do (no order to track yet)."""
    dropped: int = 0
    """Too many journeys were in flight already."""

    @property
    def accounted(self) -> bool:
        """Whether every arrival has exactly one end."""
        return (
            self.intended == self.sent + self.skipped + self.dropped
            and self.sent == self.completed + self.failed + self.abandoned
        )  # fmt: skip


@dataclass(frozen=True)
class Lateness:
    """How much later than intended first requests were sent, in milliseconds. All zero without any."""

    p50: float
    p99: float
    max: float
    count: int


@dataclass
class Tally:
    """Counts by journey. Lateness is kept for the last million first requests."""

    journeys: dict[str, JourneyCounts]
    _lateness_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))

    @classmethod
    def of(cls, journeys: Iterable[str]) -> "Tally":
        """Zero for each of `journeys`."""
        return cls({name: JourneyCounts() for name in journeys})

    @property
    def arrivals(self) -> int:
        """All arrivals whose instant came."""
        return sum(counts.intended for counts in self.journeys.values())

    @property
    def dropped(self) -> int:
        """Arrivals that were not even tried."""
        return sum(counts.dropped for counts in self.journeys.values())

    @property
    def accounted(self) -> bool:
        """Whether every arrival has exactly one end."""
        return all(counts.accounted for counts in self.journeys.values())

    def sent(self, journey: str, lateness_ms: float) -> None:
        """A journey's first request goes out, `lateness_ms` after its instant."""
        counts = self.journeys[journey]
        counts.sent += 1
        counts.late += lateness_ms > LATE_MS
        self._lateness_ms.append(lateness_ms)

    def lateness(self) -> Lateness:
        """Quantiles over all journeys."""
        ordered = sorted(self._lateness_ms)
        if not ordered:
            return Lateness(0.0, 0.0, 0.0, 0)
        return Lateness(quantile(ordered, 0.50), quantile(ordered, 0.99), ordered[-1], len(ordered))


def quantile(ordered: list[float], probability: float) -> float:
    """Nearest-rank quantile of an ascending, non-empty list: the smallest value with at least that share at or below it."""
    return ordered[max(0, math.ceil(probability * len(ordered)) - 1)]
