"""What customers are told about their orders, and what makes notifications tell them: one notification an event."""

import re
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.events.event import Event, UnreadableEventError
from services.notifications.schemas import OrderAccepted, OrderCancelled, OrderConfirmed
from services.notifications.store import Notification, keep

ORDER_ACCEPTED: Final = "order.accepted"
ORDER_CONFIRMED: Final = "order.confirmed"
ORDER_CANCELLED: Final = "order.cancelled"

CONFIRMED: Final = "Your order is confirmed: it is paid, and a courier will bring it."
AWAITING_COURIER: Final = "Your order is accepted; we are finding a courier."
COURIER_FOUND: Final = "We found a courier: your order is confirmed."
MONEY_BACK: Final = "Your order was cancelled, and your money is on its way back."
NOTHING_TO_PAY: Final = (
    "Your order was cancelled before it was accepted. You do not pay for it: what was held or taken of your money is given back."
)
_ORDER_ID = re.compile(r"[0-9a-f-]{36}")


async def accepted(connection: AsyncConnection, event: Event) -> None:
    """Handles `order.accepted`."""
    payload = event.parse(OrderAccepted)
    if payload.courier == "assigned":
        await _tell(connection, event, payload.customer_id, "confirmed", CONFIRMED)
    else:
        await _tell(connection, event, payload.customer_id, "awaiting_courier", AWAITING_COURIER)


async def confirmed(connection: AsyncConnection, event: Event) -> None:
    """Handles `order.confirmed`, which comes after a courier was awaited."""
    await _tell(connection, event, event.parse(OrderConfirmed).customer_id, "confirmed", COURIER_FOUND)


async def cancelled(connection: AsyncConnection, event: Event) -> None:
    """Handles `order.cancelled`. Who had been told that the order comes had paid; anybody else may have, or not."""
    payload = event.parse(OrderCancelled)
    text = MONEY_BACK if payload.was_accepted else NOTHING_TO_PAY
    await _tell(connection, event, payload.customer_id, "cancelled", text)


HANDLERS: Final = {ORDER_ACCEPTED: accepted, ORDER_CONFIRMED: confirmed, ORDER_CANCELLED: cancelled}


async def _tell(connection: AsyncConnection, event: Event, customer_id: int, kind: str, text: str) -> None:
    if not _ORDER_ID.fullmatch(event.key):
        raise UnreadableEventError(f"the key of {event.type} is no order id")
    await keep(connection, Notification(event.id, event.key, kind, customer_id, text, event.occurred_at))
