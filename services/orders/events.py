"""What orders tells others and is told by them: the payloads of its events, by type."""

from typing import Final, Literal

from pydantic import BaseModel

from services.orders.domain import Order

ACCEPTED: Final = "order.accepted"
CONFIRMED: Final = "order.confirmed"
CANCELLED: Final = "order.cancelled"
COURIER_WANTED: Final = "order.courier_wanted"
COURIER_ASSIGNED: Final = "courier.assigned"


class Item(BaseModel):
    """A dish and how many of it."""

    dish_id: int
    quantity: int


class Accepted(BaseModel):
    """The order is paid and comes; `awaited`: who brings it is found later."""

    customer_id: int
    restaurant_id: int
    items: list[Item]
    total_cents: int
    courier: Literal["assigned", "awaited"]


class Confirmed(BaseModel):
    """An accepted order has its courier now."""

    customer_id: int


class Cancelled(BaseModel):
    """The order does not come; `was_accepted`: its customer had been told that it does."""

    customer_id: int
    restaurant_id: int
    items: list[Item]
    was_accepted: bool


class CourierWanted(BaseModel):
    """An accepted order waits for a courier."""

    customer_id: int


class CourierAssigned(BaseModel):
    """It has one."""

    customer_id: int
    courier_id: int


def items_of(order: Order) -> list[Item]:
    """The lines of an order, as events carry them."""
    return [Item(dish_id=line.dish_id, quantity=line.quantity) for line in order.lines]


def accepted(order: Order) -> Accepted:
    """The event of an order that was just accepted."""
    return Accepted(
        customer_id=order.customer_id,
        restaurant_id=order.restaurant_id,
        items=items_of(order),
        total_cents=order.total_cents,
        courier="awaited" if order.deferred else "assigned",
    )


def cancelled(order: Order) -> Cancelled:
    """The event of an order that is about to be cancelled."""
    return Cancelled(
        customer_id=order.customer_id, restaurant_id=order.restaurant_id, items=items_of(order), was_accepted=order.accepted
    )
