"""Circuit breakers: by consecutive failures, and by rate over a sliding window."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from services.document import Frozen
from services.duration import DurationMs


class Breaker(Frozen):
    """A circuit breaker that counts consecutive failures (names as in pybreaker and Resilience4j)."""

    kind: Literal["consecutive"] = "consecutive"
    fail_max: Annotated[int, Field(ge=1, le=1_000)] = 5
    reset_timeout_ms: DurationMs = 5_000.0
    success_threshold: Annotated[int, Field(ge=1, le=100)] = 1
    permitted_calls_in_half_open: Annotated[int, Field(ge=1, le=100)] = 1

    @model_validator(mode="after")
    def _closable(self) -> Self:
        if self.permitted_calls_in_half_open > self.success_threshold:
            raise ValueError(
                f"permitted_calls_in_half_open ({self.permitted_calls_in_half_open}) is above success_threshold "
                f"({self.success_threshold}): the extra probes could not change the outcome"
            )
        return self


class RateBreaker(Frozen):
    """A circuit breaker by the share of failed, and of slow, calls in a sliding window of time (names as in Resilience4j).

    Resilience4j's thresholds are kept (50 % failed, 100 % slow); its minute-long window and 100 calls are made for a busier
    system, so that ours are shorter. Half-open lets `permitted_calls_in_half_open` through and decides by their rates.
    """

    kind: Literal["rate"]
    failure_rate_threshold: Annotated[float, Field(gt=0, le=100)] = 50.0
    """Per cent."""
    slow_call_rate_threshold: Annotated[float, Field(gt=0, le=100)] = 100.0
    """Per cent; without `slow_call_duration` no call is slow."""
    slow_call_duration_ms: DurationMs | None = None
    sliding_window_ms: DurationMs = 10_000.0
    minimum_calls: Annotated[int, Field(ge=1, le=10_000)] = 20
    reset_timeout_ms: DurationMs = 5_000.0
    permitted_calls_in_half_open: Annotated[int, Field(ge=1, le=100)] = 5


def _kind(value: object) -> str:
    found = value.get("kind", "consecutive") if isinstance(value, dict) else getattr(value, "kind", "consecutive")
    return str(found)


AnyBreaker = Annotated[
    Annotated[Breaker, Tag("consecutive")] | Annotated[RateBreaker, Tag("rate")],
    Discriminator(
        _kind,
        custom_error_type="breaker_kind",
        custom_error_message="kind is none of a breaker; allowed: consecutive, rate",
    ),
]
"""Told apart by `kind`; one that names none counts consecutive failures."""
