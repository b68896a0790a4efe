"""What a basket costs, and whether the kitchen can make it."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_QUANTITY = 20


class BasketRefusedError(Exception):
    """The basket cannot be ordered; the text says why."""


@dataclass(frozen=True)
class Line:
    """A dish and how many of it."""

    dish_id: int
    quantity: int


def total_cents(prices_cents: Mapping[int, int], lines: tuple[Line, ...]) -> int:
    """What `lines` cost by the menu `prices_cents`. Raises BasketRefusedError."""
    if not lines:
        raise BasketRefusedError("the basket is empty")
    for line in lines:
        if line.dish_id not in prices_cents:
            raise BasketRefusedError(f"dish {line.dish_id} is not on the menu")
        if not 1 <= line.quantity <= MAX_QUANTITY:
            raise BasketRefusedError(f"quantity of dish {line.dish_id} must be between 1 and {MAX_QUANTITY}")
    return sum(prices_cents[line.dish_id] * line.quantity for line in lines)
