"""A stranger signs up and lives on the public API alone, through every service behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.feastfast.customer import Customer
    from tests.feastfast.system import FeastFast

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASKET = {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 2}, {"dish_id": 703, "quantity": 1}]}


async def newcomer(shared: FeastFast, name: str) -> Customer:
    """Somebody who has just signed up and in."""
    credentials = {"email": f"{name}@feastfast.example", "password": "пароль 🔑"}
    assert (await shared.ask("POST", "/v1/customers", credentials | {"name": f"{name} 🐍"})).status == 201
    session = (await shared.ask("POST", "/v1/sessions", credentials)).json
    stranger = shared.customer()
    return type(stranger)(session["customer_id"], session["token"], shared)


async def test_a_newcomer_orders_and_finds_the_order_everywhere(shared: FeastFast) -> None:
    customer = await newcomer(shared, "ada")
    order = (await customer.ask("POST", "/v1/orders", BASKET)).json
    assert order["status"] == "confirmed"
    assert (await customer.ask("GET", f"/v1/orders/{order['id']}")).json == order
    assert (await customer.ask("GET", "/v1/orders")).json == {"orders": [order], "next": None}
    assert (await customer.ask("GET", f"/v1/orders/{order['id']}/tracking")).json["status"] == "assigned"

    async def told() -> bool:
        return [each["order_id"] for each in (await customer.ask("GET", "/v1/notifications")).json["notifications"]] == [
            order["id"]
        ]

    await shared.eventually(told)


async def test_a_newcomers_orders_come_page_by_page_newest_first(shared: FeastFast) -> None:
    customer = await newcomer(shared, "bea")
    placed = [(await customer.ask("POST", "/v1/orders", BASKET)).json["id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await customer.ask("GET", f"/v1/orders?limit=2&cursor={cursor}")).json
        seen += [order["id"] for order in page["orders"]]
        cursor = page["next"]
    assert seen == placed[::-1]


@pytest.mark.parametrize("cursor", ["x", "%00", "%F0%9F%8D%95", "1_2", "9" * 100, "nan_00000000-0000-4000-8000-000000000000"])
async def test_a_cursor_of_nobodys_is_refused(shared: FeastFast, cursor: str) -> None:
    answer = await shared.customer().ask("GET", f"/v1/orders?cursor={cursor}")
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")


async def test_what_is_ordered_becomes_popular(shared: FeastFast) -> None:
    customer = await newcomer(shared, "cleo")
    await customer.ask("POST", "/v1/orders", BASKET)

    async def popular() -> bool:
        dishes = (await shared.ask("GET", "/v1/dishes/popular?limit=2")).json["dishes"]
        return [dish["dish_id"] for dish in dishes] == [701, 703]

    await shared.eventually(popular)


async def test_an_order_that_is_confirmed_is_not_cancelled_any_more(shared: FeastFast) -> None:
    customer = await newcomer(shared, "dora")
    order = (await customer.ask("POST", "/v1/orders", BASKET)).json
    answer = await customer.ask("POST", f"/v1/orders/{order['id']}/cancellation")
    assert answer.status == 409
    assert await customer.status(order["id"]) == "confirmed"


async def test_nobody_reads_cancels_or_tracks_somebody_elses_order(shared: FeastFast) -> None:
    order = (await (await newcomer(shared, "eva")).ask("POST", "/v1/orders", BASKET)).json["id"]
    stranger = await newcomer(shared, "fay")
    for method, path in (("GET", ""), ("POST", "/cancellation"), ("GET", "/tracking")):
        assert (await stranger.ask(method, f"/v1/orders/{order}{path}")).status == 404
    assert (await stranger.ask("GET", "/v1/orders")).json["orders"] == []


async def test_one_key_with_two_baskets_is_a_conflict(shared: FeastFast) -> None:
    customer = await newcomer(shared, "gwen")
    first = await customer.ask("POST", "/v1/orders", BASKET, Idempotency_Key="dinner")
    other = await customer.ask("POST", "/v1/orders", BASKET | {"restaurant_id": 8}, Idempotency_Key="dinner")
    again = await customer.ask("POST", "/v1/orders", BASKET, Idempotency_Key="dinner")
    assert (first.status, other.status, again.status) == (201, 409, 201)
    assert again.json["id"] == first.json["id"]
