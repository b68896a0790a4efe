"""When an alert would have fired, computed from counts: for a machine without Prometheus.

The same conditions as the compiled rules, over the same windows, evaluated as often. A test compares both, second by second, on a
recorded run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from observability.slo.windows import BurnRow, Severity, WindowProfile


@dataclass(frozen=True)
class Counts:
    """One objective's events, second by second from an instant 0: how many counted, and how many of them went wrong."""

    events: Sequence[int]
    bad: Sequence[int]


@dataclass(frozen=True)
class Firing:
    """From the evaluation at which an alert fired to the first at which it did not; None: it fired at the last one."""

    start_s: float
    end_s: float | None


def firings(counts: Counts, budget: float, windows: WindowProfile, severity: Severity) -> tuple[Firing, ...]:
    """When the alert of one severity fires. A scrape and an evaluation at every whole second are assumed.

    Args:
        counts: Of the objective.
        budget: Share of events that may go wrong.
        windows: Whose rows of that severity apply.
        severity: Which.
    """
    events, bad = _totals(counts.events), _totals(counts.bad)
    every_s = windows.page_every_s if severity is Severity.PAGE else windows.ticket_every_s
    instants = range(0, len(events), every_s)
    rows = windows.of(severity)
    return tuple(
        _runs(instants, [any(_burns(row, budget, windows.min_events, events, bad, at) for row in rows) for at in instants])
    )


def _totals(counts: Sequence[int]) -> list[int]:
    """What a counter says at every whole second."""
    return [0, *accumulate(counts)]


def _burns(row: BurnRow, budget: float, min_events: int, events: Sequence[int], bad: Sequence[int], at_s: int) -> bool:
    threshold = row.factor * budget
    return (
        _grown(events, at_s, row.long_s) >= min_events
        and _ratio(events, bad, at_s, row.long_s) > threshold
        and _ratio(events, bad, at_s, row.short_s) > threshold
    )


def _ratio(events: Sequence[int], bad: Sequence[int], at_s: int, window_s: int) -> float:
    """Zero where nothing was asked: Prometheus has no sample then, which is above no threshold either."""
    asked = _grown(events, at_s, window_s)
    return _grown(bad, at_s, window_s) / asked if asked else 0.0


def _grown(totals: Sequence[int], at_s: int, window_s: int) -> int:
    return totals[at_s] - totals[max(0, at_s - window_s)]


def _runs(instants: Iterable[int], states: Iterable[bool]) -> Iterable[Firing]:
    """Stretches of True."""
    since: int | None = None
    for at_s, fires in zip(instants, states, strict=True):
        if fires and since is None:
            since = at_s
        elif not fires and since is not None:
            yield Firing(float(since), float(at_s))
            since = None
    if since is not None:
        yield Firing(float(since), None)
