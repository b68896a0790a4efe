"""The public routes: what they ask of whom, and what becomes of the answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from services.kit.errors import AttemptTimeoutError, BreakerOpenError, CallError, RemoteError, UnreachableError

if TYPE_CHECKING:
    from tests.services.gateway.conftest import Backends, Door

ID = "00000000-0000-4000-8000-000000000001"
BASKET = {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 2}]}
ORDER = {"id": ID, "status": "confirmed", "total_cents": 1_500, "created_at": 1.5} | BASKET
NEWCOMER = {"email": "ada@feastfast.example", "name": "Ada 🐍", "password": "long-enough"}
METHODS = {"/v1/orders": "GET, POST", "/v1/restaurants": "GET", "/v1/sessions": "POST"}
CANCELLATION = "POST /internal/orders/{order_id}/cancellation"


async def test_a_newcomer_becomes_a_customer_without_their_password_coming_back(door: Door, backends: Backends) -> None:
    kept = {"customer_id": 1_001, "email": "ada@feastfast.example", "name": "Ada 🐍"}
    backends.answer("POST /internal/customers", kept, 201)
    answer = await door.ask("POST", "/v1/customers", NEWCOMER, customer=None)
    assert (answer.status, answer.json) == (201, kept)
    (asked,) = backends.asked
    assert asked.body is not None
    assert json.loads(asked.body) == NEWCOMER
    assert not asked.repeatable


async def test_an_address_that_is_taken_is_a_conflict(door: Door, backends: Backends) -> None:
    backends.refuse("POST /internal/customers", 409, "somebody has signed up with this email")
    answer = await door.ask("POST", "/v1/customers", NEWCOMER, customer=None)
    assert (answer.status, answer.json["detail"]) == (409, "somebody has signed up with this email")


async def test_a_customers_orders_come_page_by_page(door: Door, backends: Backends) -> None:
    backends.answer("GET /internal/orders", {"orders": [ORDER], "next": "1.5_" + ID})
    backends.answer("GET /internal/orders", {"orders": [], "next": None})
    first = await door.ask("GET", "/v1/orders?limit=1")
    second = await door.ask("GET", f"/v1/orders?limit=1&cursor={first.json['next']}")
    assert (first.json["orders"], second.json) == ([ORDER], {"orders": [], "next": None})
    queries = [parse_qs(urlsplit(asked.path).query, keep_blank_values=True) for asked in backends.asked]
    assert queries == [{"customer_id": ["7"], "before": [before], "limit": ["1"]} for before in ("", "1.5_" + ID)]


async def test_a_cursor_cannot_smuggle_another_customer_in(door: Door, backends: Backends) -> None:
    backends.answer("GET /internal/orders", {"orders": [], "next": None})
    await door.ask("GET", "/v1/orders?cursor=x%26customer_id%3D8")
    query = parse_qs(urlsplit(backends.asked[0].path).query)
    assert (query["customer_id"], query["before"]) == (["7"], ["x&customer_id=8"])


async def test_a_cursor_that_orders_refuses_is_named_as_the_customer_knows_it(door: Door, backends: Backends) -> None:
    backends.refuse("GET /internal/orders", 422, "query.before: String should match pattern")
    answer = await door.ask("GET", "/v1/orders?cursor=x")
    assert (answer.status, answer.json["detail"].partition(":")[0]) == (422, "query.cursor")


async def test_a_customer_cancels_an_order_of_their_own(door: Door, backends: Backends) -> None:
    backends.answer(CANCELLATION, ORDER | {"status": "cancelled"})
    answer = await door.ask("POST", f"/v1/orders/{ID}/cancellation")
    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    (asked,) = backends.asked
    assert (asked.path, asked.repeatable) == (f"/internal/orders/{ID}/cancellation?customer_id=7", True)


@pytest.mark.parametrize(("status", "detail"), [(404, "order does not exist"), (409, "too late")])
async def test_an_order_that_cannot_be_cancelled_says_why(door: Door, backends: Backends, status: int, detail: str) -> None:
    backends.refuse(CANCELLATION, status, detail)
    answer = await door.ask("POST", f"/v1/orders/{ID}/cancellation")
    assert (answer.status, answer.json["detail"]) == (status, detail)


async def test_a_key_that_was_used_for_another_basket_is_a_conflict(door: Door, backends: Backends) -> None:
    backends.refuse("POST /internal/orders", 409, "the Idempotency-Key was used for another basket")
    answer = await door.ask("POST", "/v1/orders", BASKET, Idempotency_Key="one")
    assert answer.status == 409
    assert backends.asked[0].idempotency_key == "one"


async def test_popular_dishes_are_shown_to_everybody(door: Door, backends: Backends) -> None:
    dish = {"dish_id": 701, "name": "Soup", "restaurant_id": 7, "restaurant": "Chez", "ordered": 12}
    backends.answer("GET /internal/dishes/popular", {"dishes": [dish]})
    answer = await door.ask("GET", "/v1/dishes/popular?limit=3", customer=None)
    assert (answer.status, answer.json) == (200, {"dishes": [dish]})
    assert backends.asked[0].path == "/internal/dishes/popular?limit=3"


async def test_a_menu_says_what_is_sold_out(door: Door, backends: Backends) -> None:
    dish = {"id": 701, "name": "Soup", "price_cents": 500, "available": False}
    shown = {"restaurant": {"id": 7, "name": "Chez", "cuisine": "french", "rating": 4.5}, "dishes": [dish]}
    backends.answer("GET /internal/restaurants/{restaurant_id}/menu", shown)
    assert (await door.ask("GET", "/v1/restaurants/7/menu", customer=None)).json == shown


async def test_an_order_whose_courier_is_found_later_is_marked(door: Door, backends: Backends) -> None:
    backends.answer("POST /internal/orders", ORDER | {"status": "awaiting_courier"}, 201, degraded="defer")
    answer = await door.ask("POST", "/v1/orders", BASKET)
    assert (answer.status, answer.headers["degraded"]) == (201, "defer")


@pytest.mark.parametrize(
    ("path", "route", "body"),
    [
        (
            f"/v1/orders/{ID}/tracking",
            "GET /internal/assignments/{order_id}",
            {"order_id": ID, "status": "unknown", "courier": None},
        ),
        ("/v1/notifications", "GET /internal/notifications", {"notifications": []}),
    ],
)
async def test_what_a_fallback_made_is_marked(door: Door, backends: Backends, path: str, route: str, body: object) -> None:
    backends.fail(route, UnreachableError("gateway->x", "no instance is up"))
    answer = await door.ask("GET", path)
    assert (answer.status, answer.json, answer.headers["degraded"]) == (200, body, "static")


async def test_what_no_fallback_made_is_not_marked(door: Door, backends: Backends) -> None:
    backends.answer("GET /internal/notifications", {"notifications": []})
    assert "degraded" not in (await door.ask("GET", "/v1/notifications")).headers


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnreachableError("gateway->orders", "no instance is up"), 503),
        (AttemptTimeoutError("gateway->orders", "no answer"), 504),
        (BreakerOpenError("gateway->orders", "open"), 503),
        (RemoteError("gateway->orders", 500, "bug"), 502),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, CallError) else None,
)
async def test_a_service_that_does_not_answer_is_no_fault_of_the_customers(
    door: Door, backends: Backends, error: CallError, status: int
) -> None:
    backends.fail("GET /internal/orders/{order_id}", error)
    answer = await door.ask("GET", f"/v1/orders/{ID}")
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_an_order_that_had_to_be_undone_failed_behind_the_gateway(door: Door, backends: Backends) -> None:
    backends.refuse("POST /internal/orders", 424, "order was cancelled")
    assert (await door.ask("POST", "/v1/orders", BASKET)).status == 502


async def test_a_service_that_does_not_know_the_gateway_is_never_the_customers_sign_in(door: Door, backends: Backends) -> None:
    backends.refuse("POST /internal/sign-in", 403, "X-Internal-Token is missing or wrong")
    answer = await door.ask("POST", "/v1/sessions", {"email": "ada@feastfast.example", "password": "x"}, customer=None)
    assert answer.status == 502
    assert b"X-Internal-Token" not in answer.body


async def test_a_crowd_at_users_is_a_503_that_says_when_to_come_again(door: Door, backends: Backends) -> None:
    for _ in range(5):  # Of more in ten seconds the edge's throttle would send next to none.
        backends.refuse("POST /internal/sign-in", 429, "too many passwords are being checked")
    backends.answer("POST /internal/sign-in", {"customer_id": 7})
    for number in range(5):
        body = {"email": f"customer-{number}@feastfast.example", "password": "x"}
        answer = await door.ask("POST", "/v1/sessions", body, customer=None)
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    last = await door.ask("POST", "/v1/sessions", {"email": "ada@feastfast.example", "password": "x"}, customer=None)
    assert (last.status, last.json["customer_id"]) == (201, 7)


async def test_a_request_has_one_id_from_the_customer_to_the_last_service(door: Door, backends: Backends) -> None:
    backends.answer("GET /internal/orders/{order_id}", ORDER)
    answer = await door.ask("GET", f"/v1/orders/{ID}", X_Request_Id="check-out_7")
    assert answer.headers["x-request-id"] == backends.asked[0].headers["X-Request-Id"] == "check-out_7"
    answer = await door.ask("GET", f"/v1/orders/{ID}")
    assert answer.headers["x-request-id"] == backends.asked[1].headers["X-Request-Id"] != "check-out_7"


@pytest.mark.parametrize("path", METHODS)
async def test_browsers_of_other_sites_are_invited_nowhere(door: Door, backends: Backends, path: str) -> None:
    backends.answer("GET /internal/restaurants", {"restaurants": [], "next": None})
    asked = {"Origin": "https://evil.example", "Access_Control_Request_Method": "POST"}
    preflight = await door.ask("OPTIONS", path, customer=None, **asked)
    read = await door.ask("GET", path, customer=None, **asked)
    assert preflight.status == 405
    assert preflight.headers["allow"] == METHODS[path]
    for answer in (preflight, read):
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_the_public_api_documents_itself(door: Door) -> None:
    document = (await door.ask("GET", "/openapi.json", customer=None)).json
    assert {path for path in document["paths"] if path.startswith("/v1")} == {
        *("/v1/customers", "/v1/sessions", "/v1/restaurants", "/v1/restaurants/{restaurant_id}/menu", "/v1/dishes/popular"),
        *("/v1/orders", "/v1/orders/{order_id}", "/v1/orders/{order_id}/cancellation", "/v1/orders/{order_id}/tracking"),
        "/v1/notifications",
    }
    signed_in = {path for path, methods in document["paths"].items() for each in methods.values() if each.get("security")}
    assert signed_in == {path for path in document["paths"] if path.startswith(("/v1/orders", "/v1/notifications"))}
    assert document["components"]["securitySchemes"]["customer"]["scheme"] == "bearer"
