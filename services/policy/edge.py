"""How the calls over one edge are protected."""

from typing import Self

from pydantic import model_validator

from services.document import Frozen
from services.duration import DurationMs, format_duration_ms
from services.policy.admission import Bulkhead, Throttle
from services.policy.attempts import Budget, Hedge, Retry, Timeout
from services.policy.breakers import AnyBreaker
from services.policy.fallback import Fallback
from services.policy.pattern import Pattern
from services.policy.replicas import Balancer, OutlierEjection


class EdgePolicy(Frozen):
    """The patterns of one edge; one that is None is off.

    `repeatable: false` says that some call over the edge is neither a GET nor keyed. It is a fact, not a pattern: no profile
    changes it, and it forbids whatever would send a request twice.
    """

    repeatable: bool = True
    deadline_ms: DurationMs | None = None
    throttle: Throttle | None = None
    bulkhead: Bulkhead | None = None
    retry: Retry | None = None
    budget: Budget | None = None
    hedge: Hedge | None = None
    breaker: AnyBreaker | None = None
    balancer: Balancer = Balancer.ROUND_ROBIN
    outlier_ejection: OutlierEjection | None = None
    timeout: Timeout | None = None
    fallback: Fallback | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for problem in (*self._problems_of_time(), *self._problems_of_repetition()):
            raise ValueError(problem)
        return self

    def _problems_of_time(self) -> list[str]:
        attempt_ms, deadline_ms = self.timeout.attempt_ms if self.timeout else None, self.deadline_ms
        problems = []
        if attempt_ms is not None and deadline_ms is not None and attempt_ms > deadline_ms:
            problems.append(
                f"timeout.attempt ({format_duration_ms(attempt_ms)}) is longer than deadline "
                f"({format_duration_ms(deadline_ms)}): the attempt could never use its time"
            )
        # One pattern's wait inside of another pattern's time: at the end of it the call would be over.
        waits = [
            ("hedge.delay", self.hedge.delay_ms if self.hedge else None, "timeout.attempt", attempt_ms),
            ("hedge.delay", self.hedge.delay_ms if self.hedge else None, "deadline", deadline_ms),
            ("bulkhead.max_wait", self.bulkhead.max_wait_ms if self.bulkhead else None, "deadline", deadline_ms),
        ]
        problems += [
            f"{name} ({format_duration_ms(wait_ms)}) is not shorter than {of} ({format_duration_ms(limit_ms)}): "
            "what waits for it would be over by then"
            for name, wait_ms, of, limit_ms in waits
            if wait_ms is not None and limit_ms is not None and wait_ms >= limit_ms
        ]
        return problems

    def _problems_of_repetition(self) -> list[str]:
        problems = []
        if self.budget and not (self.retry or self.hedge):
            problems.append("budget limits retries and hedges, but this edge declares neither")
        for name, pattern in (("retry", self.retry), ("hedge", self.hedge)):
            if pattern is not None and not self.repeatable:
                problems.append(
                    f"{name} sends a request again, but a call over this edge is neither a GET nor carries an idempotency key "
                    "(repeatable: false): what it does could be done twice"
                )
        return problems

    def without(self, pattern: Pattern) -> "EdgePolicy":
        """This policy with one pattern switched off; a budget goes with the last pattern that it limits."""
        if pattern is Pattern.BALANCER:
            return self.model_copy(update={"balancer": Balancer.ROUND_ROBIN})
        if pattern.of_service:
            return self
        changed = self.model_copy(update={"deadline_ms" if pattern is Pattern.DEADLINE else pattern.value: None})
        return changed if changed.retry or changed.hedge else changed.model_copy(update={"budget": None})

    @property
    def timeouts_only(self) -> "EdgePolicy":
        """Of this policy, what a careful developer has who stopped at timeouts."""
        return EdgePolicy(repeatable=self.repeatable, timeout=self.timeout)

    @property
    def bare(self) -> "EdgePolicy":
        """The client library's defaults and nothing else."""
        return EdgePolicy(repeatable=self.repeatable)


UNPROTECTED = EdgePolicy()
"""The policy of an edge in the profile `none`."""
