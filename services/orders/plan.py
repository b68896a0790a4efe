"""The order saga: reserve, authorise, assign, capture, in that order, and how each is undone.

The capture comes last but for the confirmation, which is this service's own write: until then nobody's money has moved.
"""

from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.errors import ServiceError
from services.kit.events.publisher import Publisher
from services.kit.saga.plan import Step
from services.orders import events
from services.orders.clients import Deliveries, Payments, Restaurants
from services.orders.domain import Order, OrderStatus, accepted_status
from services.orders.failures import failure_of
from services.orders.store import OrderStore, change_status


@dataclass(frozen=True)
class OrderPlan:
    """Services' clients as steps, and what orders writes along with them.

    Attributes:
        store: Orders.
        outbox: Publishes events.
        restaurants: Asked forward, under the edge's declared policy, as are `payments` and `deliveries`.
        undo_restaurants: Asked back, under a policy that no profile switches off, as are the other two.
    """

    store: OrderStore
    outbox: Publisher
    restaurants: Restaurants
    payments: Payments
    deliveries: Deliveries
    undo_restaurants: Restaurants
    undo_payments: Payments
    undo_deliveries: Deliveries

    @property
    def steps(self) -> tuple[Step[Order], ...]:
        """The four steps at other services."""
        return (
            Step("reserve", self._reserve, lambda order: self.undo_restaurants.release(order.id)),
            Step("authorise", self._authorise, lambda order: self.undo_payments.void(order.id)),
            Step("assign", self._assign, lambda order: self.undo_deliveries.unassign(order.id)),
            Step("capture", self._capture, lambda order: self.undo_payments.refund(order.id)),
        )

    async def load(self, saga_id: str) -> Order:
        """An order: it was written with its saga, so it is there."""
        order = await self.store.find(saga_id)
        if order is None:
            raise LookupError(f"saga {saga_id} has no order")
        return order

    async def save(self, connection: AsyncConnection, subject: Order) -> None:
        """Keeps what a step has found out."""
        await self.store.learn(connection, subject)

    async def complete(self, connection: AsyncConnection, subject: Order) -> None:
        """The order is accepted, and whom it concerns is told."""
        await change_status(connection, subject.id, OrderStatus.PENDING, accepted_status(subject))
        await self.outbox.publish(connection, events.ACCEPTED, key=subject.id, payload=events.accepted(subject))
        if subject.deferred:
            wanted = events.CourierWanted(customer_id=subject.customer_id)
            await self.outbox.publish(connection, events.COURIER_WANTED, key=subject.id, payload=wanted)

    async def give_up(self, connection: AsyncConnection, subject: Order, error: ServiceError, position: int) -> None:
        """The order is cancelled, and why. Nobody is told of one that did not get past the restaurant: it never was one."""
        await change_status(connection, subject.id, subject.status, OrderStatus.CANCELLED, failure_of(error))
        if position > 0:
            told = events.cancelled(subject)
            await self.outbox.publish(connection, events.CANCELLED, key=subject.id, payload=told, regardless=True)

    def committed(self) -> None:
        """Hands events on at once."""
        self.outbox.wake()

    async def _reserve(self, order: Order) -> Order:
        total_cents = await self.restaurants.reserve(order.id, order.restaurant_id, order.lines)
        return replace(order, total_cents=total_cents)

    async def _authorise(self, order: Order) -> Order:
        await self.payments.authorise(order.id, order.customer_id, order.total_cents)
        return order

    async def _assign(self, order: Order) -> Order:
        assigned = await self.deliveries.assign(order.id, order.customer_id)
        return replace(order, deferred=not assigned)

    async def _capture(self, order: Order) -> Order:
        await self.payments.capture(order.id)
        return order
