"""What FeastFast's seed data holds, as far as a customer needs to know it."""

from dataclasses import dataclass
from random import Random
from typing import Final

CUSTOMERS: Final = 1_000
PASSWORD: Final = "correct-horse-battery"  # noqa: S105 - shared by all customers of the seed data, and printed in the README
RESTAURANTS: Final = 200
_DISHES: Final = 8  # Every restaurant has at least so many; some have 12.
_MAX_LINES: Final = 3
_MAX_QUANTITY: Final = 3


def email(customer: int) -> str:
    """Address of a customer, who are numbered from 1 to CUSTOMERS."""
    return f"customer-{customer:04d}@feastfast.example"


@dataclass(frozen=True)
class Line:
    """One dish of an order."""

    dish_id: int
    quantity: int


@dataclass(frozen=True)
class Basket:
    """An order, as the API reads it."""

    restaurant_id: int
    items: tuple[Line, ...]


def draw_basket(random: Random) -> Basket:
    """One restaurant and one to three of its dishes."""
    restaurant = random.randint(1, RESTAURANTS)
    dishes = random.sample(range(1, _DISHES + 1), random.randint(1, _MAX_LINES))
    return Basket(restaurant, tuple(Line(restaurant * 100 + dish, random.randint(1, _MAX_QUANTITY)) for dish in dishes))
