"""Placing an order, once a key, and cancelling it while its steps run."""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass, replace

from services.kit.errors import ConflictError, NotFoundError, ServiceError
from services.kit.events.publisher import Publisher
from services.kit.resilience.deadline import remaining_ms
from services.kit.saga.log import SagaLog
from services.kit.saga.record import FencedError
from services.kit.saga.recovery import SagaRecovery
from services.kit.saga.runner import SagaRunner
from services.kit.uncut import uncut
from services.orders import events
from services.orders.domain import Line, Order, OrderStatus, accepted_status
from services.orders.failures import as_told, failure_of
from services.orders.store import OrderStore

_log = logging.getLogger(__name__)

DEADLINE_MS = 15_000.0
"""Of an order without one, or with a later one: longer than anybody's patience (5 s), short enough to free what it holds."""
SAME_ORDER_WAIT_S = 2.0
"""How long a repeated request waits for the one that is placing the same order."""
_SAME_ORDER_POLL_S = 0.05
_CANCEL_ATTEMPTS = 20
"""A cancellation competes with the steps, of which there are four."""


class _CustomerCancelledError(ConflictError):
    def __init__(self) -> None:
        super().__init__("its customer cancelled the order")


@dataclass(frozen=True)
class OrderBook:
    """Places, cancels and finds orders."""

    store: OrderStore
    sagas: SagaLog
    outbox: Publisher
    runner: SagaRunner[Order]
    recovery: SagaRecovery[Order]

    async def place(self, customer_id: int, restaurant_id: int, lines: tuple[Line, ...], idempotency_key: str) -> Order:
        """Places an order, once a key.

        Raises:
            NotFoundError, RefusedError, ConflictError: The restaurant cannot make it, the card is declined, the key was used for
                another basket, the same order is still being placed, or its customer cancelled it meanwhile.
            OrderCancelledError: A service that is needed did not answer, now or when the key was used first; what had been
                done is undone.
            BacklogFullError: Too many events wait for who would have to be told; nothing was begun.
        """
        self.outbox.check_room(events.ACCEPTED)
        now, left_ms = self.sagas.now(), remaining_ms()
        order_id = str(uuid.uuid4())
        fresh = Order(order_id, customer_id, restaurant_id, lines, 0, OrderStatus.PENDING, deferred=False, created_at=now)
        deadline_at = now + min(DEADLINE_MS, DEADLINE_MS if left_ms is None else left_ms) / 1_000
        try:
            return await self._place(fresh, idempotency_key, deadline_at)
        except asyncio.CancelledError:  # Its caller is gone. Who asks again with the same key finds what recovery makes of it.
            await uncut(self.runner.leave(order_id))
            self.recovery.wake()
            raise

    async def _place(self, fresh: Order, idempotency_key: str, deadline_at: float) -> Order:
        order, saga = await self.store.begin(fresh, idempotency_key, deadline_at)
        if saga is None:
            if (order.restaurant_id, order.lines) != (fresh.restaurant_id, fresh.lines):
                raise ConflictError("the Idempotency-Key was used for another basket; take a new one")
            return await self._outcome(order)
        try:
            placed = await self.runner.forward(saga, order)
        except FencedError:  # Its customer cancelled it, or this process stood still and another one finished it.
            return await self._outcome(order)
        except ServiceError as error:
            _log.warning("order %s is undone: %s", order.id, error.detail)
            self.recovery.wake()
            raise as_told(order.id, failure_of(error)) from error
        return replace(placed, status=accepted_status(placed))

    async def cancel(self, order_id: str, customer_id: int) -> Order:
        """Cancels a customer's own order unless it is confirmed. Repeating it changes nothing.

        Raises:
            NotFoundError: The customer has no such order.
            ConflictError: It is confirmed, or changes faster than it can be cancelled.
        """
        for _ in range(_CANCEL_ATTEMPTS):
            order = await self.of_customer(order_id, customer_id)
            if order.status is OrderStatus.CANCELLED:
                return order
            if order.status is OrderStatus.CONFIRMED:
                raise ConflictError(f"order {order_id} is confirmed; it cannot be cancelled any more")
            saga = await self.sagas.find(order_id)
            if saga is None:
                raise LookupError(f"order {order_id} has no saga")
            try:
                await self.runner.give_up(saga, order, _CustomerCancelledError())
            except FencedError:
                continue
            self.recovery.wake()
            return await self.of_customer(order_id, customer_id)
        raise ConflictError(f"order {order_id} is changing; try again")

    async def of_customer(self, order_id: str, customer_id: int) -> Order:
        """A customer's own order. Raises NotFoundError, also for somebody else's."""
        order = await self.store.find(order_id)
        if order is None or order.customer_id != customer_id:
            raise NotFoundError(f"order {order_id} does not exist")
        return order

    async def _outcome(self, order: Order) -> Order:
        """How an order that is being placed ends, if it does so soon."""
        until_s = time.monotonic() + SAME_ORDER_WAIT_S
        found = await self.store.find(order.id) or order
        while found.status is OrderStatus.PENDING and time.monotonic() < until_s:
            await asyncio.sleep(_SAME_ORDER_POLL_S)
            found = await self.store.find(order.id) or order
        if found.status is OrderStatus.PENDING:
            raise ConflictError(f"order {order.id} is still being placed")
        if found.status is OrderStatus.CANCELLED:
            raise as_told(order.id, found.failure)
        return found
