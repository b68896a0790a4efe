r"""The life of an order.

pending --> confirmed             paid, a courier is assigned
   |  \---> awaiting_courier      paid, a courier is found later --> confirmed
   |            |
   \------------+--> cancelled    whatever was done for it is undone
"""

from dataclasses import dataclass
from enum import StrEnum


class OrderStatus(StrEnum):
    """`confirmed` and `cancelled` are final."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    AWAITING_COURIER = "awaiting_courier"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Line:
    """A dish and how many of it."""

    dish_id: int
    quantity: int


@dataclass(frozen=True)
class Failure:
    """Why an order was cancelled: the HTTP status that its customer was answered, and the text."""

    status: int
    detail: str


@dataclass(frozen=True)
class Order:
    """What a customer wants from a restaurant.

    Attributes:
        total_cents: 0 until the restaurant has said it.
        deferred: The order was accepted before a courier was found.
        failure: Of a cancelled order.
        created_at: Unix time, seconds.
    """

    id: str
    customer_id: int
    restaurant_id: int
    lines: tuple[Line, ...]
    total_cents: int
    status: OrderStatus
    deferred: bool
    created_at: float
    failure: Failure | None = None

    @property
    def accepted(self) -> bool:
        """Whether its customer was told that it comes."""
        return self.status in (OrderStatus.CONFIRMED, OrderStatus.AWAITING_COURIER)


def may_become(status: OrderStatus, new: OrderStatus) -> bool:
    """Whether an order may go from `status` to `new`."""
    return new in {
        OrderStatus.PENDING: {OrderStatus.CONFIRMED, OrderStatus.AWAITING_COURIER, OrderStatus.CANCELLED},
        OrderStatus.AWAITING_COURIER: {OrderStatus.CONFIRMED, OrderStatus.CANCELLED},
    }.get(status, set())


def accepted_status(order: Order) -> OrderStatus:
    """What a pending order becomes once every step is taken."""
    return OrderStatus.AWAITING_COURIER if order.deferred else OrderStatus.CONFIRMED
