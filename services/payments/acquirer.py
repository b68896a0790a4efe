"""The simulated acquirer: the bank's computer that holds, takes and gives back money, slow and of limited capacity.

It is a simulation: it keeps nothing. Its answer depends on the step and the amount alone, so that asking again with the same key
(the order and the step) is answered the same, as a real acquirer answers a repeated idempotency key. What it has of a real
one is what matters to those who wait for it: a call takes `service_time`, and a replica has `slots` of them.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from observability import names
from observability.telemetry import Telemetry
from services.kit.errors import DeadlineExceededError, OverloadedError, RefusedError
from services.kit.resilience.deadline import remaining_ms
from services.payments.domain import Step
from services.topology import External

NAME = "acquirer"
EDGE = "payments->acquirer"
"""In errors alone: the map has no such edge, for nothing is called over it."""
CARD_LIMIT_CENTS = 200_000
"""The most that a card is good for. The dearest basket of the load, three of each of three dishes at 29.00, is an eighth of it,
so that only who means to be declined is."""
MAX_WAITING = 1_000
"""At 75 calls a second, the topology's figures, the last of them waits for 13 s: longer than any customer."""

Sleep = Callable[[float], Awaitable[object]]


class Acquirer:
    """Answers after a while.

    Args:
        external: Its service time and slots; None answers at once.
        telemetry: Shows slots in use, calls that wait for one, and how long each waited.
        sleep: Waits for some seconds.
    """

    def __init__(self, external: External | None, telemetry: Telemetry, sleep: Sleep = asyncio.sleep) -> None:
        self._external = external
        self._tracer = telemetry.tracer
        self._sleep = sleep
        if external:
            metrics = telemetry.metrics
            self._slots = asyncio.Semaphore(external.slots)
            self._waiting = metrics.external_waiting.labels(NAME)
            self._used = metrics.external_slots_used.labels(NAME)
            self._count_waiting = 0
            metrics.external_slots.labels(NAME).set(external.slots)

    async def ask(self, step: Step, order_id: str, amount_cents: int) -> None:
        """Has the acquirer take a step; it may be asked again. Never within a database transaction.

        Raises:
            RefusedError: It declines the authorisation.
            OverloadedError: Too many wait already.
            DeadlineExceededError: The caller's deadline passed while it waited; the acquirer was not asked.
        """
        if self._external:
            with self._tracer.start_as_current_span(f"{NAME} {step}") as span:
                async with self._slot(self._external):
                    span.add_event(names.EVENT_SLOT)
                    await self._sleep(self._external.service_time_ms / 1_000)
        if step is Step.AUTHORISE and amount_cents > CARD_LIMIT_CENTS:
            raise RefusedError(f"order {order_id}: the card is good for {CARD_LIMIT_CENTS} cents, not for {amount_cents}")

    @asynccontextmanager
    async def _slot(self, external: External) -> AsyncIterator[None]:
        """Waits its turn; whoever is cancelled, waiting or served, leaves nothing occupied."""
        if self._slots.locked() and self._count_waiting >= MAX_WAITING:
            drained_s = self._count_waiting * external.service_time_ms / 1_000 / external.slots
            raise OverloadedError(f"{MAX_WAITING} calls wait for the {NAME}", retry_after_s=math.ceil(drained_s))
        self._count_waiting += 1
        self._waiting.set(self._count_waiting)
        try:
            await self._slots.acquire()
        finally:
            self._count_waiting -= 1
            self._waiting.set(self._count_waiting)
        try:
            self._used.inc()
            left_ms = remaining_ms()
            if left_ms is not None and left_ms <= 0:  # Its slot is worth more to somebody who still waits.
                raise DeadlineExceededError(EDGE, f"the deadline passed while waiting for one of {external.slots} slots")
            yield
        finally:
            self._used.dec()
            self._slots.release()
