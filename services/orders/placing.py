"""Placing an order: availability, charge, courier, in that order, and undoing what was done when a step fails."""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass, replace

from services.kit.errors import ConflictError, RefusedError, ServiceError, UndoneError
from services.kit.events.relay import Relay
from services.kit.resilience.deadline import remaining_ms
from services.orders.clients import Deliveries, Payments, Restaurants
from services.orders.domain import Line, Order, OrderStatus
from services.orders.handlers import ASSIGN, NOTIFY, REFUND, WITHDRAW
from services.orders.store import Note, OrderStore

_log = logging.getLogger(__name__)

SAME_ORDER_WAIT_S = 2.0
"""How long a repeated request waits for the one that is placing the same order."""
_SAME_ORDER_POLL_S = 0.05


class OrderCancelledError(UndoneError):
    """The order was undone before it was accepted: no mistake of the customer's, who may order again with a new key."""

    def __init__(self, order_id: str, why: str = "it could not be completed") -> None:
        super().__init__(f"order {order_id} was cancelled: {why}; order again, with a new Idempotency-Key if you send one")


@dataclass(frozen=True)
class OrderBook:
    """Places and finds orders."""

    store: OrderStore
    restaurants: Restaurants
    payments: Payments
    deliveries: Deliveries
    relay: Relay

    async def place(self, customer_id: int, restaurant_id: int, lines: tuple[Line, ...], idempotency_key: str) -> Order:
        """Places an order, once a key.

        Raises:
            NotFoundError, RefusedError: The restaurant cannot make it, or the key was used for another basket.
            ConflictError: The same order is still being placed.
            CallError: Whether it can be made, and for how much, cannot be told; nothing was begun.
            OrderCancelledError: A service that is needed did not answer, now or when the key was used first; what had been
                done is undone.
        """
        total_cents = await self.restaurants.quote(restaurant_id, lines)
        order_id = str(uuid.uuid4())
        fresh = Order(
            order_id, customer_id, restaurant_id, lines, total_cents, OrderStatus.PENDING, deferred=False, created_at=time.time()
        )
        order = await self.store.add(fresh, idempotency_key)
        if order.id != fresh.id:
            return await self._already_placed(order, fresh)
        try:
            await self.payments.charge(order.id, customer_id, total_cents)
            assigned = await self.deliveries.assign(order.id, customer_id)
        except ServiceError as error:
            _log.warning("order %s is undone: %s", order.id, error.detail)
            await self.cancel(order)
            raise OrderCancelledError(order.id, error.detail) from error
        left_ms = remaining_ms()
        if left_ms is not None and left_ms <= 0:  # Its customer was told that it failed, and may have ordered again.
            await self.cancel(order)
            raise OrderCancelledError(order.id, "it took longer than its deadline")
        return await self._accept(order, OrderStatus.CONFIRMED if assigned else OrderStatus.AWAITING_COURIER)

    async def cancel(self, order: Order) -> bool:
        """Cancels a pending order and has everything undone that may have been done for it."""
        nobody = {"customer_id": str(order.customer_id)}
        notes = [Note(REFUND, nobody), Note(WITHDRAW, nobody), _told(order, OrderStatus.CANCELLED)]
        cancelled = await self.store.change(order, OrderStatus.CANCELLED, notes)
        self._wake(notes)
        return cancelled

    async def _accept(self, order: Order, status: OrderStatus) -> Order:
        notes = [_told(order, status)]
        if status is OrderStatus.AWAITING_COURIER:
            notes.append(Note(ASSIGN, {"customer_id": str(order.customer_id)}))
        if not await self.store.change(order, status, notes):
            raise OrderCancelledError(order.id)
        self._wake(notes)
        return replace(order, status=status, deferred=status is OrderStatus.AWAITING_COURIER)

    async def _already_placed(self, order: Order, repeat: Order) -> Order:
        """The outcome of the request that came first with the same key."""
        if (order.restaurant_id, order.lines) != (repeat.restaurant_id, repeat.lines):
            raise RefusedError("the Idempotency-Key was used for another basket; take a new one")
        until_s = time.monotonic() + SAME_ORDER_WAIT_S
        while order.status is OrderStatus.PENDING and time.monotonic() < until_s:
            await asyncio.sleep(_SAME_ORDER_POLL_S)
            order = await self.store.find(order.id) or order
        if order.status is OrderStatus.PENDING:
            raise ConflictError(f"order {order.id} is still being placed")
        if order.status is OrderStatus.CANCELLED:
            raise OrderCancelledError(order.id)
        return order

    def _wake(self, notes: list[Note]) -> None:
        for note in notes:
            self.relay.notify(note.topic)


def _told(order: Order, status: OrderStatus) -> Note:
    return Note(NOTIFY, {"customer_id": str(order.customer_id), "kind": status})
