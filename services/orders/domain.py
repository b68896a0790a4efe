r"""The life of an order.

pending --> confirmed             charged, a courier is assigned
   |  \---> awaiting_courier      charged, a courier is found later --> confirmed
   \------> cancelled             refunded, nobody comes
"""

from dataclasses import dataclass
from enum import StrEnum


class OrderStatus(StrEnum):
    """`confirmed` and `cancelled` are final."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    AWAITING_COURIER = "awaiting_courier"
    CANCELLED = "cancelled"


ABANDONED_AFTER_S = 15.0
"""A pending order that is older was left behind by a process that died, or is being placed for nobody: patience is 5 s."""


@dataclass(frozen=True)
class Line:
    """A dish and how many of it."""

    dish_id: int
    quantity: int


@dataclass(frozen=True)
class Order:
    """What a customer wants from a restaurant."""

    id: str
    customer_id: int
    restaurant_id: int
    lines: tuple[Line, ...]
    total_cents: int
    status: OrderStatus
    deferred: bool
    created_at: float


def may_become(status: OrderStatus, new: OrderStatus) -> bool:
    """Whether an order may go from `status` to `new`."""
    return new in {
        OrderStatus.PENDING: {OrderStatus.CONFIRMED, OrderStatus.AWAITING_COURIER, OrderStatus.CANCELLED},
        OrderStatus.AWAITING_COURIER: {OrderStatus.CONFIRMED},
    }.get(status, set())
