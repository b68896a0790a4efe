"""The kit serves any system: it holds no word of what FeastFast is about."""

import re
from pathlib import Path

import pytest

import services.kit

KIT = Path(services.kit.__file__).parent
# `order` is left out: things have an order, and SQL has ORDER BY.
FORBIDDEN = {
    *("basket", "baskets", "courier", "couriers", "cuisine", "customer", "customers", "deliveries", "delivery"),
    *("dish", "dishes", "feast", "feastfast", "food", "meal", "meals", "menu", "menus", "orders", "payment", "payments"),
    *("restaurant", "restaurants"),
}


def words_of(text: str) -> set[str]:
    """Words of prose and parts of names, `menuItem` and `menu_item` alike."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)}


@pytest.mark.parametrize("path", sorted(KIT.rglob("*.py")), ids=lambda path: str(path.relative_to(KIT)))
def test_no_word_of_food_delivery_stands_in_the_kit(path: Path) -> None:
    assert words_of(path.read_text()) & FORBIDDEN == set()


@pytest.mark.parametrize("text", ["class MenuItem", "menu_item", "`orders->payments`", "RESTAURANTS", "# a Courier's way"])
def test_such_a_word_would_be_found_in_prose_and_in_names(text: str) -> None:
    assert words_of(text) & FORBIDDEN
