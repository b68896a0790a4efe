"""What an experiment demands beyond its journeys, in numbers: of an edge's load, of a journey's rate, of the recovery."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.document import Frozen
from services.duration import DurationMs

MAX_PER_S = 1_000


class Amplification(Frozen):
    """Attempts sent over an edge for each logical call, in the fault window; one that was refused unsent counts as none."""

    edge: str
    max: Annotated[float, Field(gt=0, le=100)]


class Goodput(Frozen):
    """Journeys that end well, within their customers' patience, each second of the fault window."""

    journey: str
    min_per_s: Annotated[float, Field(gt=0, le=MAX_PER_S)]
    peak_per_s: Annotated[float, Field(gt=0, le=MAX_PER_S)]
    """The most that the system can do, of which the goodput is said to be a share."""

    @model_validator(mode="after")
    def _below_the_peak(self) -> Self:
        if self.min_per_s > self.peak_per_s:
            raise ValueError(f"min_per_s ({self.min_per_s:g}) is above peak_per_s ({self.peak_per_s:g})")
        return self


class RecoveryTime(Frozen):
    """All judged journeys and those that may degrade are back, undegraded, so long after the fault was lifted."""

    max_ms: DurationMs


class Objectives(Frozen):
    """Those that an experiment states; it may state none."""

    amplification: Amplification | None = None
    goodput: Goodput | None = None
    recovery: RecoveryTime | None = None
