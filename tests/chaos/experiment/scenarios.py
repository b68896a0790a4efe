"""What happens in an arm that never runs: its customers, each with a fate, drawn from a seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from chaos.experiment.facts import LeaseCount
from chaos.experiment.metrics import Mark

STARTED_AT = 1_795_000_000.0
RATES = {"browse": 25, "order": 25, "track": 22, "sign_in": 2}
MARKS = (0.0, 5.0, 25.0, 45.0, 60.0)
STEPS = {"browse": ("list", "menu"), "order": ("place", "read_back"), "track": ("track",), "sign_in": ("sign_in",)}
BACK_AFTER_S = 4.0
AFTER_FAULT = (Mark.FAULT_END, Mark.RECOVERY_END, Mark.SETTLED)


@dataclass(frozen=True)
class Fate:
    """What becomes of one journey."""

    ok: bool = True
    degraded: bool = False
    elapsed_ms: float = 20.0
    failure: int = 503
    """Status, where it is not ok."""


def healthy(_name: str, _instant_s: float, random: Random) -> Fate:
    return Fate(elapsed_ms=10 + random.expovariate(0.1))


def degrading(name: str, instant_s: float, random: Random) -> Fate:
    """The declared arm: orders deferred and tracking static while deliveries is dead, and until the breakers close."""
    hit = name in ("order", "track") and 25 <= instant_s < 45 + BACK_AFTER_S
    return replace(healthy(name, instant_s, random), degraded=hit)


def failing(name: str, instant_s: float, random: Random) -> Fate:
    """The arm `none`: whatever needs deliveries fails while it is dead."""
    return replace(healthy(name, instant_s, random), ok=not (name in ("order", "track") and 25 <= instant_s < 45))


@dataclass(frozen=True)
class Scenario:
    """What happened in an arm. The defaults are a protected system in an outage of deliveries."""

    arm: str = "declared"
    started_at: float = STARTED_AT
    marks_s: tuple[float, float, float, float, float] = MARKS
    fate: Callable[[str, float, Random], Fate] = degrading
    seed: int = 5
    pace: float = 1.0
    thinned: float = 1.0
    """Share of arrivals that are kept."""
    down_s: tuple[float, float] | None = (25.02, 45.05)
    served_in_fault: int = 0
    cpu_percent: float = 50.0
    stolen_percent: float = 0.0
    lateness_p99_ms: float = 0.9
    dropped: int = 0
    complete: bool = True
    breaker_opened: float = 3.0
    fallbacks: float | None = None
    """None: as many as there were degraded journeys."""
    undelivered: float = 0.0
    without_courier: int = 0
    with_books: bool = True
    counts: tuple[LeaseCount, ...] = ()
    arm_complete: bool = True


@dataclass(frozen=True)
class Visit:
    name: str
    number: int
    instant_s: float
    fate: Fate


@cache
def visits_of(scenario: Scenario) -> tuple[Visit, ...]:
    random = Random(scenario.seed)
    found: list[Visit] = []
    for name, rate in RATES.items():
        instant_s = 0.0
        while (instant_s := instant_s + random.expovariate(rate * scenario.pace)) < scenario.marks_s[-1]:
            fate = scenario.fate(name, instant_s * scenario.pace, random)
            if random.random() < scenario.thinned:
                found.append(Visit(name, len(found), instant_s, fate))
    return tuple(found)
