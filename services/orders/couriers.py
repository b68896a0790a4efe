"""What orders does when it is told that a deferred order has its courier."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.events.event import Event
from services.kit.events.publisher import Publisher
from services.orders import events
from services.orders.domain import OrderStatus
from services.orders.store import change_status, customer_awaiting


@dataclass(frozen=True)
class CourierAssigned:
    """Handles `courier.assigned`."""

    outbox: Publisher

    async def __call__(self, connection: AsyncConnection, event: Event) -> None:
        """Confirms an order that awaits its courier; one cancelled meanwhile stays so, and its saga frees the courier."""
        event.parse(events.CourierAssigned)
        customer_id = await customer_awaiting(connection, event.key)
        if customer_id is not None:
            await change_status(connection, event.key, OrderStatus.AWAITING_COURIER, OrderStatus.CONFIRMED)
            confirmed = events.Confirmed(customer_id=customer_id)
            await self.outbox.publish(connection, events.CONFIRMED, key=event.key, payload=confirmed)
