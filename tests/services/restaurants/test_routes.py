"""What restaurants answers over the wire, also to what makes no sense."""

import pytest

from services.restaurants import seed
from tests.services.routes import Routes, is_problem

ORDER = "00000000-0000-4000-8000-000000000001"
PATH = f"/internal/reservations/{ORDER}"
BASKET = {"restaurant_id": 7, "items": [{"dish_id": 703, "quantity": 1}, {"dish_id": 701, "quantity": 2}]}


async def test_a_reservation_is_answered_with_its_price_and_audited_with_its_lines(routes: Routes) -> None:
    made = await routes.ask("PUT", PATH, BASKET)
    assert (made.status, made.json["order_id"], made.json["state"]) == (200, ORDER, "reserved")
    assert await routes.rows("/internal/audit") == [
        {
            "order_id": ORDER,
            "restaurant_id": 7,
            "state": "reserved",
            "lines": [{"dish_id": 701, "quantity": 2}, {"dish_id": 703, "quantity": 1}],
            "total_cents": made.json["total_cents"],
        }
    ]


async def test_a_reservation_after_its_release_is_a_conflict(routes: Routes) -> None:
    assert [(await routes.ask("DELETE", PATH)).status for _ in range(2)] == [204, 204]
    assert is_problem(await routes.ask("PUT", PATH, BASKET), 409)


async def test_another_basket_under_the_same_order_is_a_conflict(routes: Routes) -> None:
    await routes.ask("PUT", PATH, BASKET)
    assert is_problem(await routes.ask("PUT", PATH, {**BASKET, "items": [{"dish_id": 701, "quantity": 1}]}), 409)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"restaurant_id": 999_999, "items": BASKET["items"]}, 404),
        ({"restaurant_id": 7, "items": [{"dish_id": 801, "quantity": 1}]}, 422),
        ({"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 15}] * 2}, 422),
        ({"restaurant_id": 7, "items": []}, 422),
        ({"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1}] * 51}, 422),
        ({"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1}] * 10_000}, 413),
        ({"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": -1}]}, 422),
        ({"restaurant_id": 7, "items": [{"dish_id": 2**63, "quantity": 1}]}, 422),
        ({"restaurant_id": 2**64 + 1, "items": BASKET["items"]}, 422),
        ({"restaurant_id": 1.5, "items": BASKET["items"]}, 422),
        ({"restaurant_id": "\U0001f355", "items": "\U0001f355"}, 422),
        (["\u0642\u0647\u0648\u0629"], 422),
        (b'{"restaurant_id": NaN}', 422),
        (b'{"restaurant_id": 7, "items": [', 422),
        (b"\xff\xfe", 422),
        (b"", 422),
    ],
)
async def test_a_basket_that_makes_no_sense_is_a_problem(routes: Routes, body: object, status: int) -> None:
    assert is_problem(await routes.ask("PUT", PATH, body), status)
    assert await routes.rows("/internal/audit") == []


@pytest.mark.parametrize("order_id", ["1", "\U0001f355", "0" * 37, "A" * 36, "%00" * 36])
async def test_an_order_id_that_is_none_is_a_problem(routes: Routes, order_id: str) -> None:
    assert is_problem(await routes.ask("DELETE", f"/internal/reservations/{order_id}"), 422)


@pytest.mark.parametrize(
    "path",
    [
        f"/internal/restaurants/{2**64}/menu",
        "/internal/restaurants/0/menu",
        f"/internal/restaurants?after={2**64}",
        "/internal/restaurants?limit=0",
        "/internal/restaurants/999999/menu",
        "/internal/dishes/popular?limit=51",
        "/internal/dishes/popular?limit=0",
        "/internal/audit/stock?after=%F0%9F%8D%95",
        f"/internal/audit/stock?after={2**64}",
        "/internal/audit/popular?after=-1",
        "/internal/audit?limit=501",
    ],
)
async def test_a_question_out_of_bounds_is_a_problem(routes: Routes, path: str) -> None:
    assert is_problem(await routes.ask("GET", path), 404, 422)


@pytest.mark.parametrize(("method", "path"), [("PUT", PATH), ("DELETE", PATH), ("GET", "/internal/audit/stock")])
async def test_strangers_are_refused(routes: Routes, method: str, path: str) -> None:
    assert is_problem(await routes.ask(method, path, BASKET, token="guessed"), 403)


async def test_the_menu_and_the_stock_have_every_dish(routes: Routes) -> None:
    menu = (await routes.ask("GET", "/internal/restaurants/7/menu")).json
    assert {dish["available"] for dish in menu["dishes"]} == {True}
    stock = await routes.rows("/internal/audit/stock")
    assert stock == [{"dish_id": dish["id"], "initial": seed.PORTIONS, "left": seed.PORTIONS} for dish in seed.dishes()]
