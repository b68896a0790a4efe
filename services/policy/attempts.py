"""How many attempts a call may take, and how long each."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.document import Frozen
from services.duration import DurationMs


class Timeout(Frozen):
    """Bounds of one attempt: `attempt` is all of it, `connect` the part that opens a connection."""

    attempt_ms: DurationMs
    connect_ms: DurationMs = 250.0

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.connect_ms > self.attempt_ms:
            raise ValueError("timeout.connect is longer than timeout.attempt, which contains it")
        return self


class Retry(Frozen):
    """Another attempt after a failure that may pass; only for GET and for calls with an idempotency key.

    Names and meaning follow gRPC's retry policy (gRFC A6): `max_attempts` includes the first one, and the wait before attempt n
    is drawn uniformly from 0 to min(initial_backoff * backoff_multiplier^(n-2), max_backoff) ("full jitter"). A callee's
    Retry-After is waited for first. An answer below 500 is an answer, not a failure, so it cannot be declared retryable.
    """

    max_attempts: Annotated[int, Field(ge=2, le=5)] = 2
    initial_backoff_ms: DurationMs = 20.0
    max_backoff_ms: DurationMs = 200.0
    backoff_multiplier: Annotated[float, Field(ge=1, le=10)] = 2.0
    retryable_statuses: tuple[Annotated[int, Field(ge=500, le=599)], ...] = (502, 503, 504)


class Budget(Frozen):
    """gRPC's retry throttle (gRFC A6): failures take a token, successes give `token_ratio` back, retries need more than half."""

    max_tokens: Annotated[float, Field(gt=0, le=1_000)] = 10.0
    token_ratio: Annotated[float, Field(gt=0, le=1)] = 0.1


class Hedge(Frozen):
    """A second attempt at another replica while the first one is late; only for GET. The first good answer wins.

    Names follow gRPC's hedging policy (gRFC A6): `delay` is its hedgingDelay, `max_attempts` includes the first one. Dean and
    Barroso ("The Tail at Scale", 2013) advise the 95th percentile of the latency as the delay, which bounds the added load to
    about 5 %.
    """

    delay_ms: DurationMs
    max_attempts: Annotated[int, Field(ge=2, le=3)] = 2
