"""What is urgent is decided at the entry, by the route alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute

from services.gateway.api import router
from services.gateway.urgency import URGENCY

if TYPE_CHECKING:
    from tests.services.gateway.conftest import Backends, Door

ID = "00000000-0000-4000-8000-000000000001"
BASKET = {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 2}]}
ORDER = {"id": ID, "status": "confirmed", "total_cents": 1_500, "created_at": 1.5} | BASKET
PAGE: dict[str, object] = {"restaurants": [], "next": None}


def test_every_public_route_says_how_urgent_it_is() -> None:
    routes = {(method, route.path) for route in router.routes if isinstance(route, APIRoute) for method in route.methods or ()}
    assert routes == set(URGENCY)


def test_orders_go_before_signing_in_before_browsing_before_tracking_before_the_rest() -> None:
    asked = ["/v1/orders", "/v1/sessions", "/v1/restaurants", "/v1/orders/{order_id}/tracking", "/v1/dishes/popular"]
    assert [URGENCY[method, path] for method, path in zip(["POST", "POST", "GET", "GET", "GET"], asked, strict=True)] == [
        1,
        2,
        3,
        4,
        5,
    ]


@pytest.mark.parametrize("stated", ["", "u=0", "u=7"])
async def test_the_services_behind_are_told_how_urgent_it_is_whatever_the_customer_says(
    door: Door, backends: Backends, stated: str
) -> None:
    backends.answer("POST /internal/orders", ORDER, 201)
    backends.answer("GET /internal/restaurants", PAGE)
    backends.answer("GET /internal/notifications", {"notifications": []})
    await door.ask("POST", "/v1/orders", BASKET, Priority=stated)
    await door.ask("GET", "/v1/restaurants", Priority=stated)
    await door.ask("GET", "/v1/notifications", Priority=stated)
    assert [asked.headers.get("Priority") for asked in backends.asked] == ["u=1", None, "u=5"]  # Who says nothing means 3.
