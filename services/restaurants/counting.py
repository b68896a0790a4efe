"""What makes restaurants count popular dishes: orders that are accepted, and accepted orders that are cancelled."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.events.event import Event
from services.restaurants.domain import merged
from services.restaurants.popular import count
from services.restaurants.schemas import OrderAccepted, OrderCancelled

ORDER_ACCEPTED: Final = "order.accepted"
ORDER_CANCELLED: Final = "order.cancelled"


async def accepted(connection: AsyncConnection, event: Event) -> None:
    """Handles `order.accepted`."""
    payload = event.parse(OrderAccepted)
    await count(connection, payload.restaurant_id, merged(payload.lines()), 1)


async def cancelled(connection: AsyncConnection, event: Event) -> None:
    """Handles `order.cancelled`. An order that was never accepted has not been counted."""
    payload = event.parse(OrderCancelled)
    if payload.was_accepted:
        await count(connection, payload.restaurant_id, merged(payload.lines()), -1)


HANDLERS: Final = {ORDER_ACCEPTED: accepted, ORDER_CANCELLED: cancelled}
