"""The patterns of one edge around one call, outside in: deadline > retry and budget > breaker > the attempt.

The fallback stands outside of all this, where the answer is made (`services.kit.caller`); balancing, attempt timeout, chaos
and transport are inside the attempt. A breaker's rejection is never retried.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.kit.errors import BreakerOpenError, CallError, DeadlineExceededError
from services.kit.resilience.breakers import make_breaker
from services.kit.resilience.budget import RetryBudget
from services.kit.resilience.deadline import deadline_within
from services.kit.resilience.decision import Decision, Sink, Verb
from services.kit.resilience.retry import backoff_ms, may_pass
from services.policy import EdgePolicy

Answer = TypeVar("Answer")
Attempt = Callable[[int], Awaitable[Answer]]
"""Makes attempt number n (from 1). Raises CallError, or is cancelled."""


class EdgePipeline:
    """State of the patterns of one edge in one process.

    Args:
        edge: `caller->callee`.
        policy: What is in force.
        sink: Told of every decision.
        rng: Draws the jitter.
        clock: Monotonic seconds, for the breaker.
        sleep: Waits seconds between attempts.
    """

    def __init__(
        self,
        edge: str,
        policy: EdgePolicy,
        sink: Sink,
        rng: random.Random,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.edge = edge
        self.policy = policy
        self._sink = sink
        self._rng = rng
        self._clock = clock
        self._sleep = sleep
        self._budget = RetryBudget(policy.budget) if policy.budget else None
        self._breaker = make_breaker(policy.breaker, clock, self._breaker_changed) if policy.breaker else None

    def succeeded_by(self, policy: EdgePolicy) -> "EdgePipeline":
        """The pipeline of later calls under `policy`; it goes on with the state of every pattern that does not change."""
        later = EdgePipeline(self.edge, policy, self._sink, self._rng, self._clock, self._sleep)
        if policy.budget == self.policy.budget:
            later._budget = self._budget
        if policy.breaker == self.policy.breaker:
            later._breaker = self._breaker
        return later

    async def run(self, attempt: Attempt[Answer], *, repeatable: bool) -> Answer:
        """Makes the call. `repeatable`: doing it twice is as good as once (GET, or an idempotency key).

        Raises:
            CallError: Of the last attempt, or of the pattern that gave up.
        """
        with deadline_within(self.policy.deadline_ms) as deadline_s:
            if deadline_s is not None and asyncio.get_running_loop().time() >= deadline_s:
                raise DeadlineExceededError(self.edge, "the deadline had passed before the first attempt")
            bound = asyncio.timeout_at(deadline_s)
            try:
                async with bound:
                    return await self._attempts(attempt, repeatable=repeatable)
            except TimeoutError:
                if bound.expired():
                    raise DeadlineExceededError(self.edge, "took longer than its deadline") from None
                raise

    async def _attempts(self, attempt: Attempt[Answer], *, repeatable: bool) -> Answer:
        number = 1
        while True:
            try:
                answer = await self._guarded(attempt, number)
            except CallError as error:
                if not self._retries(error, number, repeatable=repeatable):
                    raise
            else:
                if self._budget:
                    self._budget.succeeded()
                return answer
            number += 1
            assert self.policy.retry  # noqa: S101 - _retries() said so.
            await self._sleep(backoff_ms(self.policy.retry, number, self._rng) / 1_000)

    async def _guarded(self, attempt: Attempt[Answer], number: int) -> Answer:
        if self._breaker is None:
            return await attempt(number)
        permit = self._breaker.admit()
        if permit is None:
            self._tell(Verb.REJECTED, "breaker", self._breaker.state)
            raise BreakerOpenError(self.edge, f"breaker is {self._breaker.state}")
        try:
            answer = await attempt(number)
        except CallError as error:
            permit.failed(error)
            raise
        except BaseException:
            permit.abandoned()
            raise
        permit.succeeded()
        return answer

    def _retries(self, error: CallError, number: int, *, repeatable: bool) -> bool:
        """Decides on another attempt and tells why."""
        retry = self.policy.retry
        if retry is None or not may_pass(retry, error):
            return False
        if self._budget:
            self._budget.failed()
        if not repeatable:
            return False
        if number >= retry.max_attempts:
            self._tell(Verb.RETRY_DENIED, "max_attempts", error.reason)
            return False
        if self._budget and not self._budget.allows_retry():
            self._tell(Verb.RETRY_DENIED, "budget", error.reason)
            return False
        self._tell(Verb.RETRY, f"attempt {number + 1}", error.reason)
        return True

    def _breaker_changed(self, old: str, new: str) -> None:
        self._tell(Verb.BREAKER, new, f"was {old}")

    def _tell(self, verb: Verb, detail: str, reason: str) -> None:
        self._sink.decided(Decision(self.edge, verb, detail, reason))
