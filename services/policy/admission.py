"""How much is let through: at the caller (bulkhead, throttle) and at the callee (limit)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.document import Frozen
from services.duration import DurationMs


class Bulkhead(Frozen):
    """Calls under way over one edge of one process, so that a slow callee cannot take what the other edges need.

    `max_concurrent` as in Resilience4j, whose default of 25 it keeps, and like there nobody waits unless told so:
    `max_waiting` calls may wait for a place, each at most `max_wait`.
    """

    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] = 25
    max_waiting: Annotated[int, Field(ge=0, le=10_000)] = 0
    max_wait_ms: DurationMs = 100.0


class Throttle(Frozen):
    """Client-side throttling: a call is not even sent with probability max(0, (requests - k * accepts) / (requests + 1)).

    From "Handling Overload" in Site Reliability Engineering (Beyer et al., 2016), which counts over two minutes with k = 2;
    a smaller k rejects sooner. `min_requests` in the window keep the first failure after a quiet time from counting as all.

    `max_rejection_probability`, from Envoy's admission control, is what the book lacks: after an outage in which next to nothing
    was accepted, its formula would let about one call a window through, and k times as many in the next.
    """

    k: Annotated[float, Field(ge=1, le=100)] = 2.0
    window_ms: DurationMs = 120_000.0
    min_requests: Annotated[int, Field(ge=1, le=10_000)] = 10
    max_rejection_probability: Annotated[float, Field(gt=0, le=100)] = 80.0
    """Per cent."""


class Limit(Frozen):
    """An adaptive limit of the requests that one process of a service works on: Gradient2 of Netflix' concurrency-limits.

    The limit follows the ratio of the long-term round trip to that of the last window: limit * gradient + queue_size, smoothed,
    where gradient is rtt_tolerance * long / short, between 0.5 and 1. It changes only while half of it is in use, and by windows
    of ten requests or more. Defaults are the library's own (Gradient2Limit, WindowedLimit), except that `min_limit` is not the
    initial one: what a process can do at once may be three. Near the limit, the lowest priority is shed first.

    An overload that lasts for minutes becomes what is usual, and the limit grows to `max_limit`: that must be no more than the
    process does within the time that its callers wait.
    """

    kind: Literal["gradient2"] = "gradient2"
    initial_limit: Annotated[int, Field(ge=1, le=10_000)] = 20
    min_limit: Annotated[int, Field(ge=1, le=10_000)] = 4
    max_limit: Annotated[int, Field(ge=1, le=10_000)] = 200
    smoothing: Annotated[float, Field(gt=0, le=1)] = 0.2
    rtt_tolerance: Annotated[float, Field(ge=1, le=10)] = 1.5
    long_window: Annotated[int, Field(ge=1, le=100_000)] = 600
    """Windows that the long-term round trip is an average of."""
    window_ms: DurationMs = 1_000.0
    queue_size: Annotated[int, Field(ge=0, le=1_000)] = 4

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min_limit <= self.initial_limit <= self.max_limit:
            raise ValueError(
                f"initial_limit ({self.initial_limit}) must lie between min_limit ({self.min_limit}) "
                f"and max_limit ({self.max_limit})"
            )
        return self
