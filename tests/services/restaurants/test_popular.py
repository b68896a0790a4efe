"""The read model of popular dishes is what a count over accepted orders would be."""

import json
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kit.database import Database
from services.kit.events.event import Event, UnreadableEventError
from services.restaurants.counting import HANDLERS
from services.restaurants.domain import Line
from services.restaurants.kitchens import Kitchens
from tests.services.restaurants.conftest import dishes_of
from tests.services.routes import Routes, is_problem

Tell = Callable[..., Awaitable[None]]
LINES = st.lists(st.builds(Line, st.integers(701, 704), st.integers(1, 3)), min_size=1, max_size=4)


@pytest.fixture
def tell(database: Database) -> Tell:
    """Hands an event to its handler, in a transaction as the kit does."""

    async def tell(event_type: str, lines: list[Line], **more: object) -> None:
        items = [{"dish_id": line.dish_id, "quantity": line.quantity} for line in lines]
        payload = json.dumps({"restaurant_id": 7, "customer_id": 1, "items": items} | more)
        event = Event(str(uuid.uuid4()), event_type, str(uuid.uuid4()), payload, 1.0, {})
        async with database.write() as connection:
            await HANDLERS[event_type](connection, event)

    return tell


async def counts(kitchens: Kitchens) -> Counter[int]:
    return Counter({each.dish_id: each.ordered for each in await kitchens.popular.page(0, 500)})


async def test_portions_of_accepted_orders_are_counted(kitchens: Kitchens, tell: Tell) -> None:
    await tell("order.accepted", [Line(701, 2), Line(703, 1)], total_cents=100, courier="assigned")
    await tell("order.accepted", [Line(701, 1), Line(701, 3)], total_cents=100, courier="awaited")
    assert await counts(kitchens) == {701: 6, 703: 1}


async def test_a_cancelled_order_counts_no_more_if_it_did(kitchens: Kitchens, tell: Tell) -> None:
    await tell("order.accepted", [Line(701, 2), Line(703, 1)])
    await tell("order.cancelled", [Line(701, 2)], was_accepted=True)
    await tell("order.cancelled", [Line(703, 1)], was_accepted=False)
    assert await counts(kitchens) == {701: 0, 703: 1}


async def test_a_cancellation_that_overtakes_its_order_leaves_nothing(kitchens: Kitchens, tell: Tell) -> None:
    await tell("order.cancelled", [Line(701, 2)], was_accepted=True)
    await tell("order.accepted", [Line(701, 2)])
    assert await counts(kitchens) == {701: 0}


async def test_the_most_popular_come_first_with_their_names(kitchens: Kitchens, routes: Routes, tell: Tell) -> None:
    await tell("order.accepted", [Line(701, 1), Line(703, 3), Line(702, 1)])
    await tell("order.accepted", [Line(704, 3)])
    await tell("order.cancelled", [Line(704, 3)], was_accepted=True)
    menu = {dish.id: dish.name for dish in await dishes_of(kitchens, 7)}
    name = (await kitchens.restaurants.page(6, 1))[0].name
    top = (await routes.ask("GET", "/internal/dishes/popular?limit=2")).json["dishes"]
    assert top == [
        {"dish_id": dish, "name": menu[dish], "restaurant_id": 7, "restaurant": name, "ordered": ordered}
        for dish, ordered in ((703, 3), (701, 1))
    ]
    shown = (await routes.ask("GET", "/internal/dishes/popular")).json["dishes"]
    assert [dish["dish_id"] for dish in shown] == [703, 701, 702]
    assert await routes.rows("/internal/audit/popular", limit=2) == [
        {"dish_id": dish, "ordered": ordered} for dish, ordered in ((701, 1), (702, 1), (703, 3), (704, 0))
    ]
    assert is_problem(await routes.ask("GET", "/internal/audit/popular?after=x"), 422)


async def test_a_dish_that_is_on_no_menu_is_counted_and_not_shown(kitchens: Kitchens, routes: Routes, tell: Tell) -> None:
    await tell("order.accepted", [Line(999_999_999, 1)])
    assert await counts(kitchens) == {999_999_999: 1}
    assert (await routes.ask("GET", "/internal/dishes/popular")).json == {"dishes": []}


@pytest.mark.parametrize("lines", [[], [Line(701, -1)], [Line(2**64, 1)]])
async def test_an_event_that_cannot_be_read_is_refused_and_counts_nothing(
    kitchens: Kitchens, tell: Tell, lines: list[Line]
) -> None:
    with pytest.raises(UnreadableEventError):
        await tell("order.accepted", lines)
    assert await counts(kitchens) == {}


@given(orders=st.lists(st.tuples(LINES, st.sampled_from(["accepted", "undone", "never accepted"])), max_size=8))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_counts_are_the_sum_over_orders_that_stay_accepted(
    kitchens: Kitchens, tell: Tell, orders: list[tuple[list[Line], str]]
) -> None:
    before = await counts(kitchens)
    for lines, fate in orders:
        if fate != "never accepted":
            await tell("order.accepted", lines)
    for lines, fate in orders:
        if fate != "accepted":
            await tell("order.cancelled", lines, was_accepted=fate == "undone")
    kept: Counter[int] = Counter()
    for lines, fate in orders:
        for line in lines if fate == "accepted" else []:
            kept[line.dish_id] += line.quantity
    assert +await counts(kitchens) == before + kept
