from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from loadtests.journeys import JOURNEYS
from loadtests.journeys.catalogue import draw_basket
from loadtests.journeys.journey import Account, PlacedOrder, SkipJourney

ScriptedVisit = Callable[..., Any]  # The fixture of conftest.py.
ORDER = "6f0f8c3e-8a55-4a5c-9a32-51ea4e6f0a10"


def test_browsing_lists_restaurants_and_opens_the_menu_of_one_of_them(scripted_visit: ScriptedVisit) -> None:
    visit = scripted_visit({"restaurants": [{"id": 3}, {"id": 9}]}, {"dishes": [{"id": 301}]})
    JOURNEYS["browse"].run(visit)
    assert [(asked.step, asked.method, asked.expected_status) for asked in visit.asked] == [
        ("list", "GET", 200),
        ("menu", "GET", 200),
    ]
    assert visit.asked[1].path in ("/v1/restaurants/3/menu", "/v1/restaurants/9/menu")


def test_ordering_places_an_order_reads_it_back_and_leaves_it_to_be_tracked(scripted_visit: ScriptedVisit) -> None:
    visit = scripted_visit({"id": ORDER, "status": "confirmed"}, {"id": ORDER})
    JOURNEYS["order"].run(visit)
    place, read_back = visit.asked
    assert (place.method, place.path, place.expected_status) == ("POST", "/v1/orders", 201)
    assert UUID(place.idempotency_key).version == 4
    assert (read_back.method, read_back.path) == ("GET", f"/v1/orders/{ORDER}")
    assert place.account == read_back.account
    assert list(visit.orders) == [PlacedOrder(ORDER, place.account)]


def test_the_same_arrival_orders_the_same_under_the_same_key(scripted_visit: ScriptedVisit) -> None:
    def place() -> object:
        visit = scripted_visit({"id": ORDER}, {"id": ORDER})
        JOURNEYS["order"].run(visit)
        return visit.asked[0]

    assert place() == place()


def test_an_order_that_is_not_read_back_is_no_success_but_can_be_tracked(scripted_visit: ScriptedVisit) -> None:
    visit = scripted_visit({"id": ORDER}, {"id": "00000000-0000-4000-8000-000000000000"})
    with pytest.raises(ValueError, match="another order"):
        JOURNEYS["order"].run(visit)
    assert len(visit.orders) == 1


def test_tracking_asks_for_an_order_as_the_customer_who_placed_it(scripted_visit: ScriptedVisit) -> None:
    visit = scripted_visit({"order_id": ORDER, "status": "awaiting_courier"})
    visit.orders.append(PlacedOrder(ORDER, Account("hers", 3_600)))
    JOURNEYS["track"].run(visit)
    assert (visit.asked[0].path, visit.asked[0].account) == (f"/v1/orders/{ORDER}/tracking", Account("hers", 3_600))


def test_tracking_without_an_order_has_nothing_to_do(scripted_visit: ScriptedVisit) -> None:
    visit = scripted_visit()
    with pytest.raises(SkipJourney):
        JOURNEYS["track"].run(visit)
    assert visit.asked == []


def test_signing_in_sends_a_customer_of_the_seed_data(scripted_visit: ScriptedVisit) -> None:
    visit = scripted_visit({"token": "t", "customer_id": 1, "expires_in_s": 3_600})
    JOURNEYS["sign_in"].run(visit)
    body = visit.asked[0].body
    assert body["password"] == "correct-horse-battery"
    assert body["email"].removeprefix("customer-").removesuffix("@feastfast.example").isdigit()
    assert visit.asked[0].expected_status == 201


def test_the_last_step_of_each_journey_is_the_last_that_it_declares(scripted_visit: ScriptedVisit) -> None:
    bodies = {
        "browse": ({"restaurants": [{"id": 3}]}, {"dishes": [{"id": 301}]}),
        "order": ({"id": ORDER}, {"id": ORDER}),
        "track": ({"status": "assigned"},),
        "review": ({"id": ORDER},),
        "sign_in": ({"token": "t", "expires_in_s": 3_600},),
    }
    for name, journey in JOURNEYS.items():
        visit = scripted_visit(*bodies[name])
        if name in ("track", "review"):
            visit.orders.append(PlacedOrder(ORDER, Account("t", 3_600)))
        journey.run(visit)
        assert tuple(asked.step for asked in visit.asked) == journey.steps


@pytest.mark.parametrize(
    ("journey", "body", "complaint"),
    [
        ("browse", {"restaurants": []}, "no restaurants"),
        ("browse", {"restaurants": [{"name": "x"}]}, "no id"),
        ("browse", [], "no restaurants"),
        ("order", {"status": "confirmed"}, "no id"),
        ("order", {"id": 7}, "no id"),
        ("order", {"id": "seven"}, "badly formed"),
        ("sign_in", {"token": "bad\r\ntoken"}, "no token that fits a header"),
        ("sign_in", None, "no token"),
        ("sign_in", {"token": "t"}, "no expires_in_s"),
    ],
)
def test_an_answer_without_what_the_next_step_needs_is_refused(
    scripted_visit: ScriptedVisit, journey: str, body: object, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        JOURNEYS[journey].run(scripted_visit(body))


def test_a_tracking_status_that_nobody_documented_is_refused(scripted_visit: ScriptedVisit) -> None:
    visit = scripted_visit({"status": "teleported"})
    visit.orders.append(PlacedOrder(ORDER, Account("t", 3_600)))
    with pytest.raises(ValueError, match="no known status"):
        JOURNEYS["track"].run(visit)


def test_a_basket_holds_different_dishes_of_one_restaurant_of_the_seed_data(scripted_visit: ScriptedVisit) -> None:
    random = scripted_visit().random
    for _ in range(200):
        basket = draw_basket(random)
        dishes = [line.dish_id for line in basket.items]
        assert 1 <= basket.restaurant_id <= 200
        assert len(dishes) == len(set(dishes)) in (1, 2, 3)
        assert all(basket.restaurant_id * 100 + 1 <= dish <= basket.restaurant_id * 100 + 8 for dish in dishes)
        assert all(1 <= line.quantity <= 20 for line in basket.items)


def test_a_review_is_of_an_order_that_was_placed_and_with_its_customers_token(scripted_visit: ScriptedVisit) -> None:
    visit, account = scripted_visit({"id": ORDER}), Account("t", 3_600)
    visit.orders.append(PlacedOrder(ORDER, account))
    JOURNEYS["review"].run(visit)
    (asked,) = visit.asked
    assert (asked.path, asked.account) == (f"/v1/orders/{ORDER}", account)


def test_a_review_that_shows_another_order_is_no_success(scripted_visit: ScriptedVisit) -> None:
    visit = scripted_visit({"id": "00000000-0000-4000-8000-000000000000"})
    visit.orders.append(PlacedOrder(ORDER, Account("t", 3_600)))
    with pytest.raises(ValueError, match="another order"):
        JOURNEYS["review"].run(visit)


def test_who_has_placed_nothing_has_nothing_to_review(scripted_visit: ScriptedVisit) -> None:
    with pytest.raises(SkipJourney):
        JOURNEYS["review"].run(scripted_visit())
