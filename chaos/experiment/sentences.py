"""What a comparison showed, in one sentence with its numbers."""

from chaos.experiment.comparison import Compared
from chaos.experiment.model import Bounds
from chaos.experiment.outcomes import Holding, Role
from chaos.experiment.result import Comparison, Interval, WindowStats
from chaos.experiment.statistics.multiplicity import ALPHA
from chaos.experiment.statistics.proportions import MAX_NEEDED


def journey_sentence(name: str, role: Role, during: WindowStats, compared: Compared | None, bounds: Bounds) -> str:
    """Why a journey is held to have held, leaked, or neither."""
    if role is Role.MAY_DEGRADE:
        return f"{name} is not judged: it may degrade"
    if role is Role.WATCHED:
        return f"{name} is not judged: it is too rare, and shown only"
    if compared is None:
        return f"{name} did not occur in both windows; {bounds.min_journeys} journeys in each are needed"
    if compared.holding is Holding.UNDECIDED:
        return f"{name} is undecided: {_undecided(during, compared.comparison, bounds)}"
    if compared.holding is Holding.LEAKED:
        return f"{name} leaked: {_worst(compared.comparison)}"
    return f"{name} held: {_success(compared.comparison)}; {_latency(compared.comparison)}"


def _worst(comparison: Comparison) -> str:
    said = []
    if comparison.drop_p_value <= ALPHA:
        said.append(f"{_success(comparison)}, beyond the margin of {_points(comparison.margin)}")
    if comparison.p95_p_value is not None and comparison.p95_p_value <= ALPHA:
        said.append(f"{_latency(comparison)}, beyond {comparison.p95_bound_ms:.0f} ms")
    return "; ".join(said)


def _undecided(during: WindowStats, comparison: Comparison, bounds: Bounds) -> str:
    needed = comparison.journeys_needed or bounds.min_journeys
    if needed >= MAX_NEEDED:
        return (
            f"{_success(comparison)}; {_latency(comparison)}: too close to what is allowed for any number of journeys to decide"
        )
    return f"{during.journeys} journeys in the fault window, about {needed} in each window are needed"


def _success(comparison: Comparison) -> str:
    change = -100 * comparison.drop + 0.0  # Adding zero turns -0.0, which prints its sign, into 0.0.
    interval = comparison.drop_interval
    low, high = max(-100.0, -100 * interval.high), min(100.0, -100 * interval.low)
    return f"success changed by {change:+.1f} percentage points ({_level(interval)} {low:+.1f} to {high:+.1f})"


def _latency(comparison: Comparison) -> str:
    interval = comparison.p95_increase_interval
    if interval is None or comparison.p95_increase_ms is None:
        return "p95 is not known"
    return f"p95 by {comparison.p95_increase_ms:+.0f} ms ({_level(interval)} {interval.low:+.0f} to {interval.high:+.0f})"


def _level(interval: Interval) -> str:
    return f"{100 * interval.confidence:.0f} % interval"


def _points(share: float) -> str:
    return f"{100 * share:g} percentage point{'' if share == 0.01 else 's'}"
