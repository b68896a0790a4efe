"""What is done later for an order: each a topic of the outbox and its handler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.errors import ConflictError
from services.kit.events.outbox import Message
from services.kit.events.relay import Handler
from services.orders.clients import Deliveries, Notifications, Payments
from services.orders.domain import OrderStatus
from services.orders.store import change_status

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

    async def assign(self, message: Message) -> Callable[[AsyncConnection], Awaitable[None]] | None:
        """Finds the courier that a deferred order waits for."""
        try:
            await self.deliveries.assign(message.key, int(message.payload["customer_id"]))
        except ConflictError:
            return None  # Withdrawn meanwhile: there is nothing left to do.

        async def confirm(connection: AsyncConnection) -> None:
            await change_status(connection, message.key, OrderStatus.AWAITING_COURIER, OrderStatus.CONFIRMED)

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
