"""What is done later for an order: each a topic of the outbox and its handler."""

import logging
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.errors import ConflictError
from services.kit.events.outbox import Message
from services.kit.events.relay import After, Handler
from services.orders.clients import Deliveries, Notifications, Payments
from services.orders.domain import OrderStatus
from services.orders.store import change_status, outbox

_log = logging.getLogger(__name__)

ASSIGN: Final = "deliveries.assign"
WITHDRAW: Final = "deliveries.withdraw"
REFUND: Final = "payments.refund"
NOTIFY: Final = "notifications.tell"

_TEXTS = {
    OrderStatus.CONFIRMED: "Your order is confirmed.",
    OrderStatus.AWAITING_COURIER: "Your order is accepted; we are finding a courier.",
    OrderStatus.CANCELLED: "Your order was cancelled and your money is on its way back.",
}


@dataclass(frozen=True)
class Handlers:
    """Delivers the outbox of orders, over calls that no profile protects or leaves unprotected."""

    payments: Payments
    deliveries: Deliveries
    notifications: Notifications

    def by_topic(self) -> dict[str, Handler]:
        """The relay's table."""
        return {ASSIGN: self.assign, WITHDRAW: self.withdraw, REFUND: self.refund, NOTIFY: self.tell}

    async def assign(self, message: Message) -> After | None:
        """Finds the courier that a deferred order waits for."""
        try:
            await self.deliveries.assign(message.key, int(message.payload["customer_id"]))
        except ConflictError as error:
            # Only a cancelled order is withdrawn, and none that awaits a courier can be cancelled.
            _log.error("order %s awaits a courier and can get none: %s", message.key, error.detail)
            return None

        async def confirm(connection: AsyncConnection) -> None:
            if await change_status(connection, message.key, OrderStatus.AWAITING_COURIER, OrderStatus.CONFIRMED):
                told = {"customer_id": message.payload["customer_id"], "kind": OrderStatus.CONFIRMED}
                await outbox.put(connection, NOTIFY, message.key, told)

        return confirm

    async def withdraw(self, message: Message) -> None:
        """Frees the courier of a cancelled order."""
        await self.deliveries.withdraw(message.key)

    async def refund(self, message: Message) -> None:
        """Gives the money of a cancelled order back."""
        await self.payments.refund(message.key)

    async def tell(self, message: Message) -> None:
        """Tells the customer."""
        kind = OrderStatus(message.payload["kind"])
        await self.notifications.tell(message.key, kind, int(message.payload["customer_id"]), _TEXTS[kind])
