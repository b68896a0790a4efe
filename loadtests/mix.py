"""Which journeys arrive, and in what proportion: `browse=25,order=25,track=22,sign_in=2`."""

import math
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True)
class Mix:
    """Weights of journeys, in the order in which they were written. Only their proportions count."""

    weights: tuple[tuple[str, float], ...]

    @classmethod
    def parse(cls, text: str, known: Collection[str]) -> "Mix":
        """Reads `journey=weight,...`; `known` are the journeys that exist. Raises ValueError with what is allowed."""
        weights: dict[str, float] = {}
        for part in text.split(","):
            name, equals, number = (piece.strip() for piece in part.partition("="))
            if not equals or not name:
                raise ValueError(f"{part.strip()!r} is no share of a mix; write journey=weight,... such as browse=25,order=25")
            if name not in known:
                raise ValueError(f"unknown journey {name!r}; allowed: {', '.join(sorted(known))}")
            if name in weights:
                raise ValueError(f"journey {name!r} is given twice")
            weights[name] = _weight(name, number)
        return cls(tuple(weights.items()))

    @property
    def journeys(self) -> tuple[str, ...]:
        """Names of the journeys in the mix."""
        return tuple(name for name, _ in self.weights)

    def share(self, journey: str) -> float:
        """What part of the arrivals comes for `journey`."""
        return dict(self.weights).get(journey, 0.0) / sum(weight for _, weight in self.weights)

    def chooser(self) -> "Chooser":
        """Something that draws journeys from this mix."""
        return Chooser(self.journeys, tuple(accumulate(weight for _, weight in self.weights)))

    def __str__(self) -> str:
        return ",".join(f"{name}={weight:g}" for name, weight in self.weights)


@dataclass(frozen=True)
class Chooser:
    """The mix as cumulated weights, made once: a draw is then one binary search."""

    journeys: tuple[str, ...]
    cumulated: tuple[float, ...]

    def choose(self, uniform: float) -> str:
        """The journey that `uniform`, a number in [0, 1), falls on."""
        last = len(self.journeys) - 1  # Rounding can lift the product to the total itself.
        return self.journeys[bisect_right(self.cumulated, uniform * self.cumulated[-1], hi=last)]


def _weight(name: str, number: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(f"the weight of {name!r} is {number!r}; allowed: a number above 0")
    return weight
