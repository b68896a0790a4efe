"""The restaurants of a fresh system: always the same two hundred, with menus."""

import random
from collections.abc import Iterator

RESTAURANTS = 200
MIN_DISHES, MAX_DISHES = 8, 12
PORTIONS = 10_000
"""Of each dish. Limited, so that a reservation can be refused, and yet a day of the heaviest demo load does not sell a dish out:
1,600 dishes that the load orders from, at four portions an order, last for 46 orders a second."""
_SEED = 20_260
_CUISINES = ("Thai", "Lebanese", "Mexican", "Italian", "Ethiopian", "Korean", "Indian", "Greek", "Vietnamese", "Polish")
_FIRST = ("Golden", "Little", "Blue", "Old", "Quiet", "Red", "Green", "Lucky", "Corner", "Silver")
_SECOND = ("Lantern", "Kitchen", "Garden", "Table", "Oven", "Harbour", "Pepper", "Spoon", "Market", "House")
_STYLE = ("Grilled", "Crispy", "Slow-cooked", "Spiced", "Fresh", "Smoked", "Steamed", "Roasted")
_FOOD = ("aubergine", "chicken", "tofu", "lamb", "noodles", "dumplings", "prawns", "mushrooms", "lentils", "trout")


def restaurants() -> Iterator[dict[str, int | str | float]]:
    """Rows of the table of restaurants."""
    rng = random.Random(_SEED)
    for number in range(1, RESTAURANTS + 1):
        name = f"{_FIRST[number % 10]} {_SECOND[number // 10 % 10]}" + (" II" if number > RESTAURANTS / 2 else "")
        yield {"id": number, "name": name, "cuisine": rng.choice(_CUISINES), "rating": round(rng.uniform(3.2, 5.0), 1)}


def dishes() -> Iterator[dict[str, int | str]]:
    """Rows of the table of dishes; the ids of restaurant n start at n * 100 + 1."""
    rng = random.Random(_SEED + 1)
    for restaurant in range(1, RESTAURANTS + 1):
        for position in range(1, rng.randint(MIN_DISHES, MAX_DISHES) + 1):
            name = f"{rng.choice(_STYLE)} {rng.choice(_FOOD)}"
            price = rng.randrange(450, 2_950, 50)
            yield {"id": restaurant * 100 + position, "restaurant_id": restaurant, "name": name, "price_cents": price}


def stock() -> Iterator[dict[str, int]]:
    """Rows of the table of portions: each dish has PORTIONS."""
    for dish in dishes():
        yield {"dish_id": int(dish["id"]), "initial": PORTIONS, "left": PORTIONS}
