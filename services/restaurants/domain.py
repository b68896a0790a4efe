"""What a basket costs, and when its portions may be reserved."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_QUANTITY = 20
"""Of one dish in one order."""


class RestaurantUnknownError(Exception):
    """There is no such restaurant; the text says which."""


class BasketRefusedError(Exception):
    """The basket cannot be ordered; the text says why."""


class ReservationRefusedError(Exception):
    """The reservation contradicts what is already so, or there is not enough left; the text says how."""


class ReservationState(StrEnum):
    """`released` is final, also for an order that never reserved: a reservation that arrives late must not take effect."""

    RESERVED = "reserved"
    RELEASED = "released"


@dataclass(frozen=True)
class Line:
    """A dish and how many of it."""

    dish_id: int
    quantity: int


@dataclass(frozen=True)
class Reservation:
    """Portions kept for an order, at the prices of that moment.

    `restaurant_id` is 0 for an order that was released before it reserved anything.
    """

    order_id: str
    restaurant_id: int
    lines: tuple[Line, ...]
    total_cents: int
    state: ReservationState


def merged(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The same basket with each dish on one line, by dish id: the order in which every writer takes its portions."""
    quantities: Counter[int] = Counter()
    for line in lines:
        quantities[line.dish_id] += line.quantity
    return tuple(Line(dish_id, quantity) for dish_id, quantity in sorted(quantities.items()))


def total_cents(prices_cents: Mapping[int, int], lines: tuple[Line, ...]) -> int:
    """What merged `lines` cost by the menu `prices_cents`. Raises BasketRefusedError."""
    if not lines:
        raise BasketRefusedError("the basket is empty")
    for line in lines:
        if line.dish_id not in prices_cents:
            raise BasketRefusedError(f"dish {line.dish_id} is not on the menu")
        if not 1 <= line.quantity <= MAX_QUANTITY:
            raise BasketRefusedError(f"quantity of dish {line.dish_id} must be between 1 and {MAX_QUANTITY}")
    return sum(prices_cents[line.dish_id] * line.quantity for line in lines)


def repeated(existing: Reservation, restaurant_id: int, lines: tuple[Line, ...]) -> Reservation:
    """The answer to a reservation of merged `lines` that was made before. Raises ReservationRefusedError."""
    if existing.state is ReservationState.RELEASED:
        raise ReservationRefusedError(f"the reservation of order {existing.order_id} has been released")
    if (existing.restaurant_id, existing.lines) != (restaurant_id, lines):
        raise ReservationRefusedError(f"order {existing.order_id} has reserved another basket")
    return existing
