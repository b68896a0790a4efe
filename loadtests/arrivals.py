"""When customers arrive and what they come for, known before the first of them does.

A source is one independent stream of one arrival a second on average. The superposition of N Poisson sources of rate 1 is a
Poisson process of rate N, so adding and removing sources adds and removes arrivals a second, and no source needs to know how
many there are. Everything is a function of (seed, source index): two runs with one seed see the same instants, the same
journeys and the same choices inside each journey, whatever the system under load did in the meantime.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Final, Literal

from loadtests.mix import Mix

Law = Literal["poisson", "constant"]
LAWS: Final[tuple[Law, ...]] = ("poisson", "constant")

_GOLDEN_RATIO_CONJUGATE: Final = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Arrival:
    """One customer who comes for one journey."""

    instant_s: float
    """Seconds since the schedule's start."""
    source: int
    sequence: int
    """Counts the arrivals of one source, from 0."""
    journey: str
    seed: int

    @property
    def id(self) -> str:
        """Unique in a run: `<source>-<sequence>`."""
        return f"{self.source}-{self.sequence}"

    def random(self) -> Random:
        """The journey's own stream of choices (restaurant, dishes, keys). It does not depend on how long anything took."""
        return Random(f"journey/{self.seed}/{self.source}/{self.sequence}")


def arrivals(seed: int, source: int, mix: Mix, law: Law, start_s: float = 0.0, pace: float = 1.0) -> Iterator[Arrival]:
    """The endless stream of one source, whose clock starts at `start_s` seconds of the schedule.

    Args:
        seed: The run's seed.
        source: Index of the source, unique across all workers of a run.
        mix: What the arrivals come for.
        law: `poisson`: gaps are exponential with mean 1 s. `constant`: gaps are 1 s; the phases of the sources follow the golden
            ratio sequence (source * 0.618... mod 1), which spreads any number of sources almost evenly over the second.
        start_s: Where the source's time begins in the schedule.
        pace: How fast the source's time runs: at 0.5 the same arrivals come half as often.
    """
    random = Random(f"arrivals/{seed}/{source}")
    chooser = mix.chooser()
    gap = _GAPS[law]
    instant_s = start_s
    if law == "constant":
        instant_s += (source * _GOLDEN_RATIO_CONJUGATE % 1.0 - 1.0) / pace
    sequence = 0
    while True:
        instant_s += gap(random) / pace
        yield Arrival(instant_s, source, sequence, chooser.choose(random.random()), seed)
        sequence += 1


@dataclass(frozen=True, slots=True)
class Surge:
    """Arrivals of one journey on top of the mix, for a part of the schedule: the load's rate is piecewise constant."""

    journey: str
    rate_per_s: float
    start_s: float
    end_s: float

    @property
    def expected(self) -> float:
        """How many arrivals it is on average."""
        return self.rate_per_s * (self.end_s - self.start_s)

    def arrivals(self, seed: int, source: int, law: Law) -> Iterator[Arrival]:
        """Its stream, a source of its own with any rate: no arrival of another source moves because of it."""
        random = Random(f"surge/{seed}/{source}")
        gap = _GAPS[law]
        instant_s = self.start_s
        for sequence in count():
            instant_s += gap(random) / self.rate_per_s
            if instant_s >= self.end_s:
                return
            yield Arrival(instant_s, source, sequence, self.journey, seed)


def _exponential_s(random: Random) -> float:
    """Inverse transform sampling of an exponential with mean 1 s; 1 - u is never 0."""
    return -math.log(1.0 - random.random())


def _one_second(_random: Random) -> float:
    return 1.0


_GAPS: Final[dict[Law, Callable[[Random], float]]] = {"poisson": _exponential_s, "constant": _one_second}
