"""Whatever strangers send, the answer is a problem that the API documents, and no service behind is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.asgi import ask

if TYPE_CHECKING:
    from tests.services.asgi import Answer
    from tests.services.gateway.conftest import Door

ID = "00000000-0000-4000-8000-000000000001"
LINE = {"dish_id": 701, "quantity": 1}
BASKET = {"restaurant_id": 7, "items": [LINE]}
HUGE = 10**30


async def assert_documented(door: Door, answer: Answer, method: str, route: str) -> None:
    """It is a problem, and one of those that the route's document has."""
    assert 400 <= answer.status < 500, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == answer.status
    responses = door.document["paths"][route][method.lower()]["responses"]
    assert list(responses[str(answer.status)]["content"]) == ["application/problem+json"]
    assert door.backends.asked == []


def line(**changed: Any) -> dict[str, Any]:
    return {"restaurant_id": 7, "items": [LINE | changed]}


@pytest.mark.parametrize(
    ("basket", "status"),
    [
        ({}, 422),
        (BASKET | {"items": []}, 422),
        (BASKET | {"items": [LINE] * 51}, 422),
        (BASKET | {"items": [LINE] * 10_000}, 413),
        (BASKET | {"items": {"0": LINE}}, 422),
        (BASKET | {"restaurant_id": HUGE}, 422),
        (BASKET | {"restaurant_id": -1}, 422),
        (BASKET | {"restaurant_id": "ресторан"}, 422),
        (BASKET | {"restaurant_id": "\x00"}, 422),
        (BASKET | {"restaurant_id": "\ud800"}, 422),
        (line(quantity=0), 422),
        (line(quantity=-1), 422),
        (line(quantity=1.5), 422),
        (line(quantity=HUGE), 422),
        (line(quantity=-HUGE), 422),
        (line(quantity=float("nan")), 422),
        (line(quantity=float("-inf")), 422),
        (line(quantity=1e308), 422),
        (line(quantity=None), 422),
        (line(quantity="🍕"), 422),
        (line(quantity=[[[]]]), 422),
        (line(dish_id=HUGE), 422),
        (line(dish_id="701; DROP TABLE orders"), 422),
    ],
    ids=lambda value: ascii(value)[:60],
)
async def test_a_basket_that_nobody_can_order(door: Door, basket: dict[str, Any], status: int) -> None:
    answer = await door.ask("POST", "/v1/orders", basket)
    assert answer.status == status
    await assert_documented(door, answer, "POST", "/v1/orders")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b'{"restaurant_id": 7, "items": [{"dish_id": 701, "quan', 422),
        (b'{"restaurant_id": 7, "restaurant_id": 8, "items": [{"dish_id": 701, "quantity": 1}]}', 422),
        (b'{"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1, "quantity": 2}]}', 422),
        (b"\x80\x81", 400),
        (b'{"restaurant_id": "\xff"}', 400),
        (b"null", 422),
        (b"7", 422),
        (b"[" * 60_000, 400),
        (b'{"restaurant_id": ' + b"9" * 5_000 + b"}", 400),
        (b" " * 65_537, 413),
    ],
    ids=lambda value: ascii(value)[:60],
)
async def test_a_body_that_is_no_basket(door: Door, body: bytes, status: int) -> None:
    answer = await door.ask("POST", "/v1/orders", body)
    assert answer.status == status
    await assert_documented(door, answer, "POST", "/v1/orders")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense"])
async def test_a_body_of_another_kind(door: Door, content_type: str) -> None:
    answer = await door.ask("POST", "/v1/orders", BASKET, Content_Type=content_type)
    assert answer.status == 415
    await assert_documented(door, answer, "POST", "/v1/orders")


@pytest.mark.parametrize("key", ["k" * 101, "\xe9", "a\x00b", "a\nb", "\x7f"], ids=ascii)
async def test_a_key_that_cannot_travel_on(door: Door, key: str) -> None:
    answer = await door.ask("POST", "/v1/orders", BASKET, Idempotency_Key=key)
    assert answer.status == 422
    await assert_documented(door, answer, "POST", "/v1/orders")


@pytest.mark.parametrize("path", ["x", ID.upper().replace("0", "A"), ID + "0", "%00" * 36, "%F0%9F%8D%95", "..%2f" * 7 + "x"])
@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("POST", "/cancellation"), ("GET", "/tracking")])
async def test_an_id_that_no_order_has(door: Door, method: str, path: str, rest: str) -> None:
    answer = await door.ask(method, f"/v1/orders/{path}{rest}")
    if answer.status != 404:  # A slash in an id makes a path that no route has.
        await assert_documented(door, answer, method, "/v1/orders/{order_id}" + rest)
    assert answer.status in (404, 422)


@pytest.mark.parametrize(
    ("route", "query"),
    [
        *(
            ("/v1/restaurants", query)
            for query in ("limit=0", "limit=101", "limit=x", f"limit={HUGE}", "cursor=-1", "cursor=NaN")
        ),
        *(("/v1/orders", query) for query in ("limit=-1", "limit=1e2", "cursor=" + "x" * 101)),
        *(("/v1/dishes/popular", query) for query in ("limit=0", "limit=51", "limit=%00", "limit=%F0%9F%8D%95")),
    ],
)
async def test_a_page_that_cannot_be(door: Door, route: str, query: str) -> None:
    answer = await door.ask("GET", f"{route}?{query}")
    assert answer.status == 422
    await assert_documented(door, answer, "GET", route)


@pytest.mark.parametrize(
    "changed",
    [
        *({"email": ""}, {"email": "x" * 201}, {"email": "\ud800@feastfast.example"}, {"email": {"$ne": ""}}, {"email": None}),
        *({"password": ""}, {"password": "x" * 201}, {"password": "\ud800" * 8}, {"password": 12345678}, {"password": "short77"}),
        *({"name": ""}, {"name": "x" * 101}, {"name": "\udfff"}, {"name": ["Ada"]}),
    ],
    ids=ascii,
)
async def test_a_newcomer_who_cannot_be(door: Door, changed: dict[str, object]) -> None:
    body = {"email": "ada@feastfast.example", "name": "Ada", "password": "long-enough"} | changed
    answer = await door.ask("POST", "/v1/customers", body, customer=None)
    assert answer.status == 422
    await assert_documented(door, answer, "POST", "/v1/customers")


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "Content-Type"])
async def test_a_header_that_says_two_things(door: Door, name: str) -> None:
    twice = [(name, "Bearer x"), (name, "Bearer y")]
    answer = await ask(door.app, "/v1/orders", twice, "POST", body=json.dumps(BASKET).encode())
    assert answer.status == 400
    await assert_documented(door, answer, "POST", "/v1/orders")


async def test_a_head_that_is_too_large(door: Door) -> None:
    answer = await door.ask("GET", "/v1/orders", Cookie="x" * 20_000)
    assert answer.status == 431
    await assert_documented(door, answer, "GET", "/v1/orders")


async def test_every_status_that_a_route_documents_is_a_success_or_a_problem(door: Door) -> None:
    for path, methods in door.document["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                kinds = list(response.get("content", {}))
                if path.startswith("/v1") and int(status) >= 400:
                    assert kinds == ["application/problem+json"], (path, status)
