"""Which journeys belong together in time, and what they add up to."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.experiment.journeys import Journey
from chaos.experiment.result import JourneySeries, WindowStats
from chaos.experiment.statistics.quantiles import quantile

GUARD_S = 1.0
"""Kept out at the baseline's end: a journey under way when the fault strikes has lived through both."""


@dataclass(frozen=True)
class Window:
    """Journeys intended from `start_s` (inclusive) to `end_s` (exclusive) of the schedule."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Seconds; never negative."""
        return max(0.0, self.end_s - self.start_s)

    def contains(self, instant_s: float) -> bool:
        """Whether an instant lies in it."""
        return self.start_s <= instant_s < self.end_s

    def select(self, journeys: Iterable[Journey], name: str) -> tuple[Journey, ...]:
        """Journeys called `name` that were intended to begin in it."""
        return tuple(journey for journey in journeys if journey.name == name and self.contains(journey.intended_s))


@dataclass(frozen=True)
class Windows:
    """The windows of an arm. A journey counts where it was intended to begin, wherever it ended.

    That is what a customer who came during the outage lived through; some who came near its end were rescued by its end, and
    `straddling` says how many.
    """

    baseline: Window
    fault: Window
    recovery: Window

    @classmethod
    def of(cls, marks_s: Sequence[float], applied_s: float, lifted_s: float) -> "Windows":
        """Windows between the marks of the phases, narrowed to when the fault really was in force."""
        _, warm_s, struck_s, lift_s, end_s = marks_s
        return cls(
            baseline=Window(warm_s, struck_s - GUARD_S),
            fault=Window(max(struck_s, applied_s), min(lift_s, lifted_s)),
            recovery=Window(max(lift_s, lifted_s), end_s),
        )


def window_stats(journeys: Sequence[Journey]) -> WindowStats:
    """Counts and quantiles of the journeys of one window."""
    elapsed = [journey.elapsed_ms for journey in journeys]
    p50, p95, p99 = (_rounded(quantile(elapsed, q)) for q in (0.5, 0.95, 0.99))
    return WindowStats(
        journeys=len(journeys),
        succeeded=sum(journey.succeeded for journey in journeys),
        degraded=sum(journey.degraded for journey in journeys),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


def second_by_second(journeys: Iterable[Journey], name: str, end_s: float) -> JourneySeries:
    """One journey's series over the whole schedule, by intended second."""
    seconds: list[list[Journey]] = [[] for _ in range(math.ceil(end_s))]
    for journey in journeys:
        if journey.name == name and 0 <= journey.intended_s < end_s:
            seconds[int(journey.intended_s)].append(journey)
    stats = [window_stats(second) for second in seconds]
    return JourneySeries(
        name=name,
        arrivals=tuple(each.journeys for each in stats),
        succeeded=tuple(each.succeeded for each in stats),
        degraded=tuple(each.degraded for each in stats),
        p50_ms=tuple(each.p50_ms for each in stats),
        p95_ms=tuple(each.p95_ms for each in stats),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
