"""Portions that orders reserve: never more than there are, each order once."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from services.kit.database import Database
from services.restaurants import seed
from services.restaurants.domain import (
    MAX_QUANTITY,
    BasketRefusedError,
    Line,
    Reservation,
    ReservationRefusedError,
    ReservationState,
    RestaurantUnknownError,
)
from services.restaurants.kitchens import Kitchens
from services.restaurants.store import dishes, stock
from tests.services.restaurants.conftest import dishes_of

Replicas = tuple[Kitchens, Kitchens]
Leave = Callable[..., Awaitable[None]]
BASKET = (Line(703, 1), Line(701, 2))


def new_order() -> str:
    return str(uuid.uuid4())


async def leave_in(database: Database, dish_id: int, portions: int, reserved: int = 0) -> None:
    async with database.write() as connection:
        row = update(stock).where(stock.c.dish_id == dish_id)
        await connection.execute(row.values(initial=portions + reserved, left=portions))


@pytest.fixture
def leave(database: Database) -> Leave:
    """Leaves so many portions of a dish, as if it had never had more than them and those that are reserved."""
    return partial(leave_in, database)


async def left(kitchens: Kitchens, *dish_ids: int) -> list[int]:
    """Portions that are left of dishes of restaurant 7."""
    found = {each.dish_id: each.left for each in await kitchens.reservations.stock(700, 8)}
    return [found[dish_id] for dish_id in dish_ids]


async def reserved(kitchens: Kitchens) -> Counter[int]:
    portions: Counter[int] = Counter()
    for each in await kitchens.reservations.page("", 10_000):
        if each.state is ReservationState.RESERVED:
            portions.update({line.dish_id: line.quantity for line in each.lines})
    return portions


async def outcome(work: Awaitable[Reservation]) -> str:
    try:
        await work
    except (BasketRefusedError, ReservationRefusedError, RestaurantUnknownError) as error:
        return str(error)
    return "reserved"


async def test_a_reservation_takes_its_portions_and_says_what_they_cost(kitchens: Kitchens) -> None:
    prices = {dish.id: dish.price_cents for dish in await dishes_of(kitchens, 7)}
    made = await kitchens.reservations.reserve(new_order(), 7, BASKET)
    assert (made.state, made.total_cents) == (ReservationState.RESERVED, 2 * prices[701] + prices[703])
    assert await left(kitchens, 701, 702, 703) == [seed.PORTIONS - 2, seed.PORTIONS, seed.PORTIONS - 1]


async def test_lines_of_the_same_dish_are_one_line(kitchens: Kitchens) -> None:
    made = await kitchens.reservations.reserve(new_order(), 7, (Line(703, 1), Line(701, 2), Line(703, 4)))
    assert made.lines == (Line(701, 2), Line(703, 5))
    assert await left(kitchens, 703) == [seed.PORTIONS - 5]


async def test_a_reservation_that_is_repeated_takes_nothing_and_answers_the_same(kitchens: Kitchens) -> None:
    order_id = new_order()
    first = await kitchens.reservations.reserve(order_id, 7, BASKET)
    again = await kitchens.reservations.reserve(order_id, 7, (Line(701, 1), Line(703, 1), Line(701, 1)))
    assert again == first
    assert await left(kitchens, 701, 703) == [seed.PORTIONS - 2, seed.PORTIONS - 1]


async def test_a_reservation_keeps_the_prices_of_its_moment(kitchens: Kitchens, database: Database) -> None:
    order_id = new_order()
    first = await kitchens.reservations.reserve(order_id, 7, BASKET)
    async with database.write() as connection:
        await connection.execute(update(dishes).values(price_cents=1))
    assert (await kitchens.reservations.reserve(order_id, 7, BASKET)).total_cents == first.total_cents


@pytest.mark.parametrize(("restaurant_id", "lines"), [(7, (Line(701, 3),)), (8, (Line(801, 1),))])
async def test_an_order_cannot_reserve_another_basket(kitchens: Kitchens, restaurant_id: int, lines: tuple[Line, ...]) -> None:
    order_id = new_order()
    await kitchens.reservations.reserve(order_id, 7, BASKET)
    refused = await outcome(kitchens.reservations.reserve(order_id, restaurant_id, lines))
    assert refused == f"order {order_id} has reserved another basket"
    assert await left(kitchens, 701, 703) == [seed.PORTIONS - 2, seed.PORTIONS - 1]


async def test_a_release_gives_the_portions_back_once(kitchens: Kitchens) -> None:
    order_id = new_order()
    await kitchens.reservations.reserve(order_id, 7, BASKET)
    await kitchens.reservations.release(order_id)
    await kitchens.reservations.release(order_id)
    assert await left(kitchens, 701, 703) == [seed.PORTIONS, seed.PORTIONS]


@pytest.mark.parametrize("before", [True, False], ids=["reserved before", "never reserved"])
async def test_an_order_that_was_released_never_reserves(kitchens: Kitchens, *, before: bool) -> None:
    order_id = new_order()
    if before:
        await kitchens.reservations.reserve(order_id, 7, BASKET)
    await kitchens.reservations.release(order_id)
    refused = await outcome(kitchens.reservations.reserve(order_id, 7, BASKET))
    assert refused == f"the reservation of order {order_id} has been released"
    assert await left(kitchens, 701, 703) == [seed.PORTIONS, seed.PORTIONS]


async def test_a_basket_is_reserved_whole_or_not_at_all(kitchens: Kitchens, leave: Leave) -> None:
    order_id = new_order()
    await leave(703, 0)
    refused = await outcome(kitchens.reservations.reserve(order_id, 7, BASKET))
    assert refused == "dish 703 is sold out: fewer than 1 portions are left"
    assert await left(kitchens, 701, 703) == [seed.PORTIONS, 0]
    await leave(703, 1)
    assert await outcome(kitchens.reservations.reserve(order_id, 7, BASKET)) == "reserved"


async def test_no_portion_can_be_written_that_does_not_exist(kitchens: Kitchens, leave: Leave) -> None:
    with pytest.raises(IntegrityError):
        await leave(701, -1)
    assert await left(kitchens, 701) == [seed.PORTIONS]


async def test_the_menu_says_what_is_sold_out(kitchens: Kitchens, leave: Leave) -> None:
    await leave(702, 0)
    available = {dish.id: dish.available for dish in await dishes_of(kitchens, 7)}
    assert (available[701], available[702]) == (True, False)


@pytest.mark.parametrize(
    ("restaurant_id", "lines", "refused"),
    [
        (999_999, (Line(701, 1),), "restaurant 999999 does not exist"),
        (7, (Line(801, 1),), "dish 801 is not on the menu"),
        (7, (), "the basket is empty"),
        (7, (Line(701, MAX_QUANTITY), Line(701, 1)), f"quantity of dish 701 must be between 1 and {MAX_QUANTITY}"),
    ],
)
async def test_a_basket_that_cannot_be_made_reserves_nothing(
    kitchens: Kitchens, restaurant_id: int, lines: tuple[Line, ...], refused: str
) -> None:
    assert await outcome(kitchens.reservations.reserve(new_order(), restaurant_id, lines)) == refused
    assert await kitchens.reservations.page("", 10) == []


async def test_of_two_orders_for_the_last_portion_one_gets_it(replicas: Replicas, twins: tuple[Database, Database]) -> None:
    await leave_in(twins[0], 701, 1)
    wanted = (each.reservations.reserve(new_order(), 7, (Line(701, 1),)) for each in replicas)
    assert sorted(await asyncio.gather(*map(outcome, wanted))) == [
        "dish 701 is sold out: fewer than 1 portions are left",
        "reserved",
    ]
    assert await left(replicas[0], 701) == [0]


async def test_an_order_that_reserves_several_times_at_once_reserves_once(replicas: Replicas) -> None:
    order_id = new_order()
    made = await asyncio.gather(*(each.reservations.reserve(order_id, 7, BASKET) for each in replicas * 4))
    assert set(made) == {made[0]}
    assert await left(replicas[0], 701, 703) == [seed.PORTIONS - 2, seed.PORTIONS - 1]


async def test_orders_that_want_the_same_dishes_in_other_orders_all_get_them(kitchens: Kitchens) -> None:
    forwards, backwards = BASKET, BASKET[::-1]
    wanted = [kitchens.reservations.reserve(new_order(), 7, lines) for lines in (forwards, backwards) * 10]
    assert set(await asyncio.gather(*map(outcome, wanted))) == {"reserved"}
    assert await left(kitchens, 701, 703) == [seed.PORTIONS - 40, seed.PORTIONS - 20]


async def test_an_order_that_reserves_and_releases_at_once_keeps_nothing(kitchens: Kitchens) -> None:
    order_ids = [new_order() for _ in range(10)]
    reserving = [outcome(kitchens.reservations.reserve(order_id, 7, BASKET)) for order_id in order_ids]
    await asyncio.gather(*reserving, *(kitchens.reservations.release(order_id) for order_id in order_ids))
    assert await left(kitchens, 701, 703) == [seed.PORTIONS, seed.PORTIONS]


LINES = st.lists(st.builds(Line, st.integers(701, 704), st.integers(1, 3)), min_size=1, max_size=4).map(tuple)
ORDERS = st.integers(0, 3)
ACTS = st.lists(st.one_of(st.tuples(ORDERS, LINES), st.tuples(ORDERS, st.none())), max_size=20)


@given(acts=ACTS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_portions_are_conserved_whatever_is_reserved_and_released(
    kitchens: Kitchens, leave: Leave, acts: list[tuple[int, tuple[Line, ...] | None]]
) -> None:
    """Examples share the database: what earlier ones reserved has to stay reserved."""
    order_ids = [new_order() for _ in range(4)]
    taken = await reserved(kitchens)
    for dish_id in range(701, 705):
        await leave(dish_id, 4, reserved=taken[dish_id])
    for number, lines in acts:
        if lines is None:
            await kitchens.reservations.release(order_ids[number])
        else:
            await outcome(kitchens.reservations.reserve(order_ids[number], 7, lines))
    held = await reserved(kitchens)
    for each in await kitchens.reservations.stock(700, 4):
        assert each.left >= 0
        assert each.initial == each.left + held[each.dish_id]
