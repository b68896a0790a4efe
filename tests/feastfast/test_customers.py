"""What customers live through while everything works."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.feastfast.system import FeastFast

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEEDED = "39c77ff2"
"""Digest of all restaurants and menus. Experiments are only comparable over the same data: a change must be meant."""


async def sign_in(shared: FeastFast, email: str, password: str) -> tuple[int, Any]:
    answer = await shared.ask("POST", "/v1/sessions", {"email": email, "password": password})
    return answer.status, answer.json


async def test_a_customer_signs_in_and_the_token_works(shared: FeastFast) -> None:
    status, session = await sign_in(shared, "customer-0042@feastfast.example", "correct-horse-battery")
    assert status == 201
    assert session["customer_id"] == 42
    assert session["expires_in_s"] == 3_600
    answer = await shared.ask("GET", "/v1/notifications", headers={"Authorization": f"Bearer {session['token']}"})
    assert (answer.status, answer.json) == (200, {"notifications": []})


async def test_the_thousandth_customer_is_the_last(shared: FeastFast) -> None:
    assert (await sign_in(shared, "customer-1000@feastfast.example", "correct-horse-battery"))[0] == 201
    assert (await sign_in(shared, "customer-1001@feastfast.example", "correct-horse-battery"))[0] == 401


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(shared: FeastFast) -> None:
    wrong_status, wrong = await sign_in(shared, "customer-0042@feastfast.example", "correct-horse-buttery")
    unknown_status, unknown = await sign_in(shared, "nobody@feastfast.example", "correct-horse-battery")
    assert wrong_status == unknown_status == 401
    assert wrong["detail"] == unknown["detail"] == "email or password is wrong"


async def test_browsing_page_by_page_meets_every_restaurant_once_in_order(shared: FeastFast) -> None:
    ids: list[int] = []
    sizes: list[int] = []
    cursor: int | None = 0
    while cursor is not None:
        page = (await shared.ask("GET", f"/v1/restaurants?cursor={cursor}&limit=30")).json
        ids += [each["id"] for each in page["restaurants"]]
        sizes.append(len(page["restaurants"]))
        cursor = page["next"]
    assert ids == list(range(1, 201))
    assert sizes == [30] * 6 + [20]


async def test_a_page_that_ends_with_the_last_restaurant_promises_no_other(shared: FeastFast) -> None:
    page = (await shared.ask("GET", "/v1/restaurants?cursor=180&limit=20")).json
    assert page["restaurants"][-1]["id"] == 200
    assert page["next"] is None


async def test_twenty_restaurants_are_shown_to_who_does_not_say_how_many(shared: FeastFast) -> None:
    page = (await shared.ask("GET", "/v1/restaurants")).json
    assert len(page["restaurants"]) == 20
    assert page["next"] == 20


async def test_every_restaurant_has_its_eight_to_twelve_dishes_the_same_in_every_fresh_system(shared: FeastFast) -> None:
    everything = []
    for number in range(1, 201):
        menu = (await shared.ask("GET", f"/v1/restaurants/{number}/menu")).json
        ids = [dish["id"] for dish in menu["dishes"]]
        assert menu["restaurant"]["id"] == number
        assert 8 <= len(ids) <= 12
        assert ids == list(range(number * 100 + 1, number * 100 + 1 + len(ids)))
        assert all(dish["price_cents"] > 0 for dish in menu["dishes"])
        assert all(dish.pop("available") for dish in menu["dishes"])  # Which changes, other than the seed.
        everything.append(menu)
    assert hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:8] == SEEDED


async def test_an_order_is_confirmed_charged_once_brought_by_one_courier_and_told(shared: FeastFast) -> None:
    customer = shared.customer()
    menu = {dish["id"]: dish["price_cents"] for dish in (await shared.ask("GET", "/v1/restaurants/7/menu")).json["dishes"]}
    placed = await customer.order()
    assert placed.status == 201
    assert "Degraded" not in placed.headers
    order = placed.json
    assert order["status"] == "confirmed"
    assert order["total_cents"] == 2 * menu[701] + menu[703]
    assert order["items"] == [{"dish_id": 701, "quantity": 2}, {"dish_id": 703, "quantity": 1}]
    assert shared.rows("payments", "SELECT amount_cents, state FROM payments WHERE order_id = ?", order["id"]) == [
        (order["total_cents"], "captured")
    ]
    assert customer.couriers() == ["assigned"]
    tracked = await customer.ask("GET", f"/v1/orders/{order['id']}/tracking")
    assert (tracked.json["status"], "Degraded" in tracked.headers) == ("assigned", False)
    assert tracked.json["courier"].startswith("Courier ")

    async def told() -> bool:
        inbox = (await customer.ask("GET", "/v1/notifications")).json["notifications"]
        return [(each["order_id"], each["kind"]) for each in inbox] == [(order["id"], "confirmed")]

    await shared.eventually(told)
    await shared.eventually(shared.settled)


async def test_an_order_reads_back_as_it_was_answered(shared: FeastFast) -> None:
    customer = shared.customer()
    order = (await customer.order()).json
    assert (await customer.ask("GET", f"/v1/orders/{order['id']}")).json == order


async def test_an_order_is_nobody_elses(shared: FeastFast) -> None:
    order_id = (await shared.customer().order()).json["id"]
    stranger = shared.customer()
    for path in (f"/v1/orders/{order_id}", f"/v1/orders/{order_id}/tracking"):
        answer = await stranger.ask("GET", path)
        assert (answer.status, answer.json["detail"]) == (404, f"order {order_id} does not exist")


async def test_couriers_are_busy_alike(shared: FeastFast) -> None:
    for _ in range(3):
        await shared.customer().order()
    busy = [count for (count,) in shared.rows("deliveries", "SELECT assigned FROM couriers")]
    assert set(busy) <= {0, 1}, "fifty couriers, and fewer orders in this module"


@pytest.mark.parametrize(
    ("basket", "status", "problem"),
    [
        ({"restaurant_id": 7, "items": [{"dish_id": 801, "quantity": 1}]}, 422, "dish 801 is not on the menu"),
        ({"restaurant_id": 201, "items": [{"dish_id": 1, "quantity": 1}]}, 404, "restaurant 201 does not exist"),
        ({"restaurant_id": 7, "items": []}, 422, "body.items: List should have at least 1 item"),
        ({"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 21}]}, 422, "body.items.0.quantity"),
        ({"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 0}]}, 422, "body.items.0.quantity"),
        ({"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1}] * 51}, 422, "body.items: List should have at most 50"),
    ],
)
async def test_a_basket_that_cannot_be_made_is_refused_and_holds_nothing(
    shared: FeastFast, basket: object, status: int, problem: str
) -> None:
    customer = shared.customer()
    answer = await customer.ask("POST", "/v1/orders", basket)
    assert answer.status == status
    assert answer.json["detail"].startswith(problem)
    await shared.eventually(shared.settled)
    assert {status for _, status in customer.orders()} <= {"cancelled"}
    assert set(customer.payments()) <= {"voided"}
    assert set(customer.reservations()) <= {"released"}
