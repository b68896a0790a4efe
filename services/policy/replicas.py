"""Which replica takes an attempt, and which one is left out for a while."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.document import Frozen
from services.duration import DurationMs


class Balancer(StrEnum):
    """How a replica is chosen. Power of two choices (Mitzenmacher 2001) takes the less busy of two drawn at random."""

    POWER_OF_TWO = "power_of_two"
    ROUND_ROBIN = "round_robin"


class OutlierEjection(Frozen):
    """A replica that fails while others do not is left out for a while (names as in Envoy's outlier detection).

    After `consecutive_failures` it is out for base_ejection_time times how often it was, up to `max_ejection_time`. An attempt
    slower than `slow_call_duration` counts as a failure. Envoy ejects at most 10 % but always one; of the two or three replicas
    here half may go. Nobody is ejected when that would leave none.
    """

    consecutive_failures: Annotated[int, Field(ge=1, le=1_000)] = 5
    slow_call_duration_ms: DurationMs | None = None
    base_ejection_time_ms: DurationMs = 30_000.0
    max_ejection_time_ms: DurationMs = 300_000.0
    max_ejection_percent: Annotated[float, Field(gt=0, le=100)] = 50.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.base_ejection_time_ms > self.max_ejection_time_ms:
            raise ValueError("base_ejection_time is longer than max_ejection_time, which bounds it")
        return self
