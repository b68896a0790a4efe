"""The patterns of one edge around one call, outside in: deadline > throttle > bulkhead > retry and budget > hedge > breaker.

The fallback stands outside of all this, where the answer is made (`services.kit.caller`); balancing, attempt timeout, chaos
and transport are inside the attempt. What is rejected on this side (throttle, bulkhead, breaker) is never retried.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from services.kit.errors import BreakerOpenError, BulkheadFullError, CallError, DeadlineExceededError, ThrottledError
from services.kit.resilience.breaker import CLOSED
from services.kit.resilience.breakers import CircuitBreaker, make_breaker
from services.kit.resilience.budget import RetryBudget
from services.kit.resilience.bulkhead import AsyncBulkhead
from services.kit.resilience.course import Course
from services.kit.resilience.deadline import deadline_within, remaining_ms
from services.kit.resilience.decision import Decision, Sink, Verb
from services.kit.resilience.hedge import DENIED, Hedging
from services.kit.resilience.retry import MAX_WAIT_MS, asked_wait_ms, backoff_ms, may_pass
from services.kit.resilience.throttle import ClientThrottle
from services.kit.resilience.timeout import Bound
from services.policy import EdgePolicy, Hedge

Answer = TypeVar("Answer")
Attempt = Callable[[int, Course], Coroutine[object, object, Answer]]
"""Makes attempt number n (from 1) of a call. Raises CallError, or is cancelled."""
Elsewhere = Callable[[], bool]
"""Whether a replica is up that has not been asked yet."""


class EdgePipeline:
    """State of the patterns of one edge in one process.

    Args:
        edge: `caller->callee`.
        policy: What is in force.
        sink: Told of every decision.
        rng: Draws jitter and who is throttled.
        clock: Monotonic seconds, of throttle and breaker.
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
        self.throttle = ClientThrottle(policy.throttle, clock, rng) if policy.throttle else None
        self.bulkhead = AsyncBulkhead(policy.bulkhead) if policy.bulkhead else None
        self.budget = RetryBudget(policy.budget) if policy.budget else None
        self.breaker: CircuitBreaker | None = (
            make_breaker(policy.breaker, clock, self._breaker_changed) if policy.breaker else None
        )

    def succeeded_by(self, policy: EdgePolicy) -> "EdgePipeline":
        """The pipeline of later calls under `policy`; it goes on with the state of every pattern that does not change."""
        later = EdgePipeline(self.edge, policy, self._sink, self._rng, self._clock, self._sleep)
        if policy.throttle == self.policy.throttle:
            later.throttle = self.throttle
        if policy.bulkhead == self.policy.bulkhead:
            later.bulkhead = self.bulkhead
        if policy.budget == self.policy.budget:
            later.budget = self.budget
        if policy.breaker == self.policy.breaker:
            later.breaker = self.breaker
        return later

    async def run(self, attempt: Attempt[Answer], elsewhere: Elsewhere | None = None) -> Answer:
        """Makes the call.

        Args:
            attempt: Made again when a pattern says so, which needs a call that done twice is as good as done once.
            elsewhere: Asked before a hedge is sent; None for a call that must not be hedged.

        Raises:
            CallError: Of the last attempt, or of the pattern that gave up.
        """
        course = Course(self.edge)
        within = deadline_within(self.policy.deadline_ms)
        with within as deadline_s:
            if deadline_s is None:
                return await self._throttled(attempt, elsewhere, course)
            if asyncio.get_running_loop().time() >= deadline_s:
                raise DeadlineExceededError(self.edge, "the deadline had passed before the first attempt")
            course.owns_deadline = within.is_own
            course.bound = bound = Bound(deadline_s)
            try:
                with bound:
                    return await self._throttled(attempt, elsewhere, course)
            except TimeoutError:
                if bound.expired:
                    raise DeadlineExceededError(self.edge, "took longer than its deadline") from None
                raise

    async def _throttled(self, attempt: Attempt[Answer], elsewhere: Elsewhere | None, course: Course) -> Answer:
        throttle, bulkhead = self.throttle, self.bulkhead
        if throttle is not None and not throttle.admits():
            reason = f"{throttle.ratio:.0%} of calls are not sent"
            self._tell(Verb.REJECTED, "throttle", reason)
            raise ThrottledError(self.edge, f"it accepts so little that {reason}")
        # One coroutine for both: each more costs every call about as much as a pattern does.
        housed = False
        try:
            if bulkhead is not None:
                if not bulkhead.try_enter():
                    await self._wait_for_place(bulkhead)
                housed = True
            answer = await self._repeated(attempt, elsewhere, course)
        except BaseException as error:
            if throttle is not None:
                throttle.ended(error if isinstance(error, CallError) else course.fault(error))
            raise
        finally:
            if housed and bulkhead is not None:
                bulkhead.leave()
        if throttle is not None:
            throttle.accepted()
        return answer

    async def _wait_for_place(self, bulkhead: AsyncBulkhead) -> None:
        began_s = asyncio.get_running_loop().time()
        reason = await bulkhead.enter()
        if reason:
            self._tell(Verb.REJECTED, "bulkhead", reason)
            raise BulkheadFullError(self.edge, f"the bulkhead is full: {reason}")
        waited_ms = (asyncio.get_running_loop().time() - began_s) * 1_000
        self._tell(Verb.WAITED, "bulkhead", f"{waited_ms:.1f} ms for a place")

    async def _repeated(self, attempt: Attempt[Answer], elsewhere: Elsewhere | None, course: Course) -> Answer:
        number = 1
        while True:
            try:
                if elsewhere is None or self.policy.hedge is None:
                    answer = await self._guarded(attempt, course)
                else:
                    answer = await self._hedged(self.policy.hedge, attempt, elsewhere, course)
            except CallError as error:
                wait_ms = self._retries(error, number)
                if wait_ms is None:
                    raise
            else:
                if self.budget:
                    self.budget.succeeded()
                return answer
            number += 1
            await self._sleep(wait_ms / 1_000)

    def _hedged(
        self, hedge: Hedge, attempt: Attempt[Answer], elsewhere: Elsewhere, course: Course
    ) -> Coroutine[object, object, Answer]:
        def told(outcome: str) -> None:
            self._tell(Verb.HEDGE, outcome, f"no answer within {hedge.delay_ms:g} ms")

        return Hedging(
            hedge, lambda: self._guarded(attempt, course), lambda: self._may_hedge(hedge, course, elsewhere), told
        ).run()

    async def _guarded(self, attempt: Attempt[Answer], course: Course) -> Answer:
        breaker = self.breaker
        if breaker is None:
            course.attempts += 1
            return await attempt(course.attempts, course)
        permit = breaker.admit()
        if permit is None:
            self._tell(Verb.REJECTED, "breaker", breaker.state)
            raise BreakerOpenError(self.edge, f"breaker is {breaker.state}")
        course.attempts += 1
        try:
            answer = await attempt(course.attempts, course)
        except BaseException as error:
            course.report(permit, error)
            raise
        permit.succeeded()
        return answer

    def _retries(self, error: CallError, number: int) -> float | None:
        """Decides on another attempt after `number` of them and tells why. The wait before it in milliseconds, or None."""
        retry = self.policy.retry
        if retry is None or not may_pass(retry, error):
            return None
        if self.budget:
            self.budget.failed()
        asked_ms = asked_wait_ms(error)
        wait_ms = (asked_ms or 0.0) + backoff_ms(retry, number + 1, self._rng)
        left_ms = remaining_ms()
        denied = ""
        if number >= retry.max_attempts:
            denied = "max_attempts"
        elif self.budget and not self.budget.allows_retry():
            denied = "budget"
        elif wait_ms >= (MAX_WAIT_MS if left_ms is None else min(left_ms, MAX_WAIT_MS)):
            # Nobody would be there any more; and the caller learns what went wrong, not that time went by.
            denied = "deadline" if asked_ms is None else "retry_after"
        if denied:
            self._tell(Verb.RETRY_DENIED, denied, error.reason)
            return None
        self._tell(Verb.RETRY, f"attempt {number + 1}", error.reason)
        return wait_ms

    def _may_hedge(self, hedge: Hedge, course: Course, elsewhere: Elsewhere) -> bool:
        """Decides on a hedge that is due, and tells why there is none."""
        if course.hedges >= hedge.max_attempts - 1:
            return False
        reason = ""
        if not elsewhere():
            reason = "no other replica is up"
        elif self.breaker and self.breaker.state != CLOSED:
            reason = f"the breaker is {self.breaker.state}"
        elif self.budget and not self.budget.take_for_hedge():
            reason = "the budget is spent"
        if reason:
            self._tell(Verb.HEDGE, DENIED, reason)
            return False
        course.hedges += 1
        return True

    def _breaker_changed(self, old: str, new: str) -> None:
        self._tell(Verb.BREAKER, new, f"was {old}")

    def _tell(self, verb: Verb, detail: str, reason: str) -> None:
        self._sink.decided(Decision(self.edge, verb, detail, reason))
