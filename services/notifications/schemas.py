"""What notifications gives over the wire, and the payloads of the events that it is told."""

from typing import Literal

from pydantic import BaseModel, Field

MAX_CUSTOMER_ID = 2**63 - 1
"""What the column holds."""


class OrderConfirmed(BaseModel):
    """Payload of `order.confirmed`: an accepted order has its courier now."""

    customer_id: int = Field(ge=1, le=MAX_CUSTOMER_ID)


class OrderAccepted(OrderConfirmed):
    """Payload of `order.accepted`: the order is paid and comes; `awaited`: who brings it is found later."""

    courier: Literal["assigned", "awaited"]


class OrderCancelled(OrderConfirmed):
    """Payload of `order.cancelled`: the order does not come; `was_accepted`: its customer had been told that it does."""

    was_accepted: bool


class NotificationOut(BaseModel):
    """What somebody was told."""

    order_id: str
    kind: str = Field(description="the status that the order had then")
    text: str
    created_at: float = Field(description="Unix time, seconds")


class NotificationAudit(BaseModel):
    """What invariants read of a notification."""

    event_id: str
    order_id: str
    customer_id: int
    kind: str


class Inbox(BaseModel):
    """A customer's latest notifications, newest first."""

    notifications: list[NotificationOut]
