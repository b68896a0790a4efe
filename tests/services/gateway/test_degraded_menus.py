"""Customers go on browsing while restaurants is dead, and are told that they look at something old."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.kit.errors import UnreachableError

if TYPE_CHECKING:
    from tests.services.gateway.conftest import Backends, Door

DOWN = UnreachableError("gateway->restaurants", "no instance is up")
RESTAURANT = {"id": 7, "name": "Chez", "cuisine": "french", "rating": 4.5}
SHOWN = {
    "/v1/restaurants": ("GET /internal/restaurants", {"restaurants": [RESTAURANT], "next": None}),
    "/v1/restaurants/7/menu": ("GET /internal/restaurants/{restaurant_id}/menu", {"restaurant": RESTAURANT, "dishes": []}),
    "/v1/dishes/popular": ("GET /internal/dishes/popular", {"dishes": []}),
}


@pytest.mark.parametrize("path", SHOWN)
async def test_what_was_seen_lately_is_shown_again_and_marked(door: Door, backends: Backends, path: str) -> None:
    route, body = SHOWN[path]
    backends.answer(route, body)
    first = await door.ask("GET", path, customer=None)
    assert (first.status, first.json, first.headers.get("degraded")) == (200, body, None)
    backends.fail(route, DOWN)
    again = await door.ask("GET", path, customer=None)
    assert (again.status, again.json, again.headers["degraded"]) == (200, body, "cached")


@pytest.mark.parametrize("path", SHOWN)
async def test_what_nobody_has_seen_yet_fails_and_says_why(door: Door, backends: Backends, path: str) -> None:
    backends.fail(SHOWN[path][0], DOWN)
    answer = await door.ask("GET", path, customer=None)
    assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json["detail"] == "gateway->restaurants: no instance is up"
    assert "degraded" not in answer.headers


async def test_one_page_never_stands_in_for_another(door: Door, backends: Backends) -> None:
    route, body = SHOWN["/v1/restaurants"]
    backends.answer(route, body)
    await door.ask("GET", "/v1/restaurants?limit=5", customer=None)
    backends.fail(route, DOWN)
    assert (await door.ask("GET", "/v1/restaurants?limit=5&cursor=5", customer=None)).status == 503
    assert (await door.ask("GET", "/v1/restaurants?limit=5", customer=None)).status == 200


async def test_a_restaurant_that_is_gone_is_not_shown_any_more(door: Door, backends: Backends) -> None:
    path = "/v1/restaurants/7/menu"
    route, body = SHOWN[path]
    backends.answer(route, body)
    backends.refuse(route, 404, "restaurant 7 does not exist")
    assert [(await door.ask("GET", path, customer=None)).status for _ in range(2)] == [200, 404]
    backends.fail(route, DOWN)
    assert (await door.ask("GET", path, customer=None)).status == 503
