"""The vocabulary of protection: what an edge may declare, and which of it a profile leaves switched on.

Every model is frozen; a pattern that is `None` is off. Names are the ones practitioners know from gRPC, Envoy, Resilience4j
and Polly. Defaults say where they come from.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.document import Frozen
from services.duration import DurationMs, format_duration_ms

CLIENT_TOTAL_TIMEOUT_MS = 300_000.0
"""aiohttp's default total timeout: what a developer has who configured nothing."""
CLIENT_MAX_CONNECTIONS = 100
"""aiohttp's default connection limit, shared by all of a process's edges in the profile `none`."""


class Pattern(StrEnum):
    """The patterns that can be switched off one by one (`--without breaker@orders->payments`)."""

    DEADLINE = "deadline"
    TIMEOUT = "timeout"
    RETRY = "retry"
    BUDGET = "budget"
    BREAKER = "breaker"
    FALLBACK = "fallback"
    BALANCER = "balancer"


class Profile(StrEnum):
    """`declared`: every edge as the topology says. `none`: what somebody has who configured nothing."""

    DECLARED = "declared"
    NONE = "none"


class Timeout(Frozen):
    """Bounds of one attempt."""

    attempt_ms: DurationMs
    connect_ms: DurationMs = 250.0


class Retry(Frozen):
    """Another attempt after a failure that may pass; only for GET and for calls with an idempotency key.

    Names and meaning follow gRPC's retry policy (gRFC A6): `max_attempts` includes the first one, and the wait before attempt n
    is drawn uniformly from 0 to min(initial_backoff * backoff_multiplier^(n-2), max_backoff) ("full jitter"). An answer below 500
    is an answer, not a failure, so it cannot be declared retryable.
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


class Breaker(Frozen):
    """A circuit breaker that counts consecutive failures (names as in pybreaker and Resilience4j)."""

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


class FallbackKind(StrEnum):
    """What answers when the callee cannot."""

    STATIC = "static"
    DEFER = "defer"


class Fallback(Frozen):
    """A declared degradation. `static`: a fixed answer, marked degraded. `defer`: outbox now, done later."""

    kind: FallbackKind


class Balancer(StrEnum):
    """How a replica is chosen. Power of two choices (Mitzenmacher 2001) takes the less busy of two drawn at random."""

    POWER_OF_TWO = "power_of_two"
    ROUND_ROBIN = "round_robin"


class EdgePolicy(Frozen):
    """How the calls over one edge are protected."""

    deadline_ms: DurationMs | None = None
    timeout: Timeout | None = None
    retry: Retry | None = None
    budget: Budget | None = None
    breaker: Breaker | None = None
    fallback: Fallback | None = None
    balancer: Balancer = Balancer.ROUND_ROBIN

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.timeout and self.deadline_ms is not None and self.timeout.attempt_ms > self.deadline_ms:
            raise ValueError(
                f"timeout.attempt ({format_duration_ms(self.timeout.attempt_ms)}) is longer than deadline "
                f"({format_duration_ms(self.deadline_ms)}): the attempt could never use its time"
            )
        if self.timeout and self.timeout.connect_ms > self.timeout.attempt_ms:
            raise ValueError("timeout.connect is longer than timeout.attempt, which contains it")
        if self.budget and not self.retry:
            raise ValueError("budget limits retries, but this edge declares no retry")
        return self

    def without(self, pattern: Pattern) -> "EdgePolicy":
        """This policy with one pattern switched off; switching retry off takes its budget along."""
        if pattern is Pattern.BALANCER:
            return self.model_copy(update={"balancer": Balancer.ROUND_ROBIN})
        field = "deadline_ms" if pattern is Pattern.DEADLINE else pattern.value
        update: dict[str, None] = {field: None}
        if pattern is Pattern.RETRY:
            update["budget"] = None
        return self.model_copy(update=update)


UNPROTECTED = EdgePolicy()
"""The policy of every edge in the profile `none`: the client library's defaults and nothing else."""


@dataclass(frozen=True)
class Switch:
    """One pattern switched off, on one edge (`caller->callee`) or, with `edge` None, on all."""

    pattern: Pattern
    edge: str | None

    @classmethod
    def parse(cls, text: str, edges: tuple[str, ...]) -> "Switch":
        """Reads `breaker` or `breaker@orders->payments`. Raises ValueError naming what is allowed."""
        name, at, edge = text.partition("@")
        try:
            pattern = Pattern(name)
        except ValueError:
            raise ValueError(f"{name!r} is no pattern; allowed: {', '.join(Pattern)}") from None
        if at and edge not in edges:
            raise ValueError(f"{edge!r} is no edge; allowed: {', '.join(edges)}")
        return cls(pattern, edge if at else None)

    def __str__(self) -> str:
        return f"{self.pattern}@{self.edge}" if self.edge else str(self.pattern)


def effective_policy(declared: EdgePolicy, edge: str, profile: Profile, switches: tuple[Switch, ...]) -> EdgePolicy:
    """What is in force on `edge` once the profile and the switches are applied."""
    policy = declared if profile is Profile.DECLARED else UNPROTECTED
    for switch in switches:
        if switch.edge in (None, edge):
            policy = policy.without(switch.pattern)
    return policy
