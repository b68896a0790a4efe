"""How urgent each public route is: what is shed last, and what first, when services have more to do than they can."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request

from services.kit.resilience.priority import DEFAULT, become

URGENCY: Final[Mapping[tuple[str, str], int]] = {
    ("POST", "/v1/orders"): 1,
    ("POST", "/v1/orders/{order_id}/cancellation"): 1,
    ("POST", "/v1/sessions"): 2,
    ("POST", "/v1/customers"): 2,
    ("GET", "/v1/restaurants"): 3,
    ("GET", "/v1/restaurants/{restaurant_id}/menu"): 3,
    ("GET", "/v1/orders"): 4,
    ("GET", "/v1/orders/{order_id}"): 4,
    ("GET", "/v1/orders/{order_id}/tracking"): 4,
    ("GET", "/v1/dishes/popular"): 5,
    ("GET", "/v1/notifications"): 5,
}
"""By method and route, from 0 to 7 (RFC 9218). First what brings money in, then what leads to it, then what looks back; 0 is left
for what was begun and has to be ended, 6 and 7 for what nobody waits for."""


async def urgent_as_its_route(request: Request) -> None:
    """FastAPI dependency of every route. What a customer states in `Priority` counts for nothing: everybody would say 0."""
    path = getattr(request.scope.get("route"), "path", "")
    become(URGENCY.get((request.method, path), DEFAULT))
