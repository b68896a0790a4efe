"""The journeys of an arm, each one's fault window against its baseline window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaos.experiment.journeys import Journey
from chaos.experiment.model import Judged
from chaos.experiment.outcomes import Holding
from chaos.experiment.result import Comparison
from chaos.experiment.statistics.blocks import design_effect
from chaos.experiment.statistics.multiplicity import ALPHA, holm
from chaos.experiment.statistics.proportions import CONFIDENCE, Share, drop_interval, drop_p_value, journeys_needed
from chaos.experiment.statistics.quantiles import Latencies, quantile_increase
from chaos.experiment.windows import Window, Windows

JUDGED_QUANTILE = 0.95


@dataclass(frozen=True)
class Compared:
    """One judged journey: its comparison, and what follows from it."""

    comparison: Comparison
    holding: Holding


@dataclass(frozen=True)
class _Sample:
    journeys: Sequence[Journey]
    window: Window

    @property
    def effect(self) -> float:
        return design_effect(
            [journey.intended_s for journey in self.journeys],
            [journey.succeeded for journey in self.journeys],
            self.window.start_s,
        )

    def share(self, effect: float) -> Share:
        """Share of successes, on as many journeys as they are worth."""
        succeeded = sum(journey.succeeded for journey in self.journeys)
        return Share(succeeded / len(self.journeys), len(self.journeys) / effect)

    @property
    def latencies(self) -> Latencies:
        return Latencies([journey.elapsed_ms for journey in self.journeys], self.window.length_s)


def compare_all(
    journeys: Iterable[Journey],
    judged: dict[str, Judged],
    windows: Windows,
    min_journeys: int,
    seed: int,
    besides: Sequence[float] = (),
) -> tuple[dict[str, Compared], tuple[float, ...]]:
    """Compares every judged journey, and adjusts all p-values together, since each is one more chance of a false alarm.

    A journey that none intended to begin in one of the windows has nothing to compare and is left out.

    Args:
        journeys: All of an arm.
        judged: What each may lose.
        windows: The arm's.
        min_journeys: Of each kind, in each of the two windows; with fewer nothing is decided.
        seed: Of the bootstrap.
        besides: P-values of what else is judged in the arm.

    Returns:
        The comparisons, and `besides` adjusted.
    """
    everything = tuple(journeys)
    comparisons: dict[str, Comparison] = {}
    enough: dict[str, bool] = {}
    for name, limits in judged.items():
        before = _Sample(windows.baseline.select(everything, name), windows.baseline)
        during = _Sample(windows.fault.select(everything, name), windows.fault)
        if before.journeys and during.journeys:
            comparisons[name] = _compare(before, during, limits, min_journeys, seed)
            enough[name] = min(len(before.journeys), len(during.journeys)) >= min_journeys
    adjusted, others = _adjusted(comparisons, besides)
    return {name: _decide(comparison, enough=enough[name]) for name, comparison in adjusted.items()}, others


def _compare(before: _Sample, during: _Sample, limits: Judged, min_journeys: int, seed: int) -> Comparison:
    effects = before.effect, during.effect
    shares = before.share(effects[0]), during.share(effects[1])
    margin = limits.margin_pp / 100
    slower = quantile_increase(before.latencies, during.latencies, JUDGED_QUANTILE, seed)
    n = min(len(before.journeys), len(during.journeys))
    needed = max(
        round(max(effects) * journeys_needed(*shares, margin)), slower.journeys_needed(n, limits.p95_increase_ms), min_journeys
    )
    return Comparison(
        margin=margin,
        drop=shares[0].value - shares[1].value,
        drop_interval=drop_interval(*shares, CONFIDENCE),
        drop_p_value=drop_p_value(*shares, margin),
        design_effect_baseline=effects[0],
        design_effect_fault=effects[1],
        p95_bound_ms=limits.p95_increase_ms,
        p95_increase_ms=slower.increase_ms,
        p95_increase_interval=slower.interval,
        p95_p_value=slower.p_value(limits.p95_increase_ms),
        journeys_needed=needed,
    )


def _adjusted(comparisons: dict[str, Comparison], besides: Sequence[float]) -> tuple[dict[str, Comparison], tuple[float, ...]]:
    p_values = [p for each in comparisons.values() for p in (each.drop_p_value, each.p95_p_value or 0.0)]
    adjusted = iter(holm([*p_values, *besides]))
    changed = {
        name: each.model_copy(update={"drop_p_value": next(adjusted), "p95_p_value": next(adjusted)})
        for name, each in comparisons.items()
    }
    return changed, tuple(adjusted)


def _decide(comparison: Comparison, *, enough: bool) -> Compared:
    """Leaked if either is significantly worse than allowed, held if both are certainly not; else undecided."""
    slower = comparison.p95_increase_interval
    if not enough:
        return Compared(comparison, Holding.UNDECIDED)
    if comparison.drop_p_value <= ALPHA or (comparison.p95_p_value is not None and comparison.p95_p_value <= ALPHA):
        found = Holding.LEAKED
    elif comparison.drop_interval.high <= comparison.margin and slower and slower.high <= comparison.p95_bound_ms:
        found = Holding.HELD
    else:
        return Compared(comparison, Holding.UNDECIDED)
    return Compared(comparison.model_copy(update={"journeys_needed": None}), found)
