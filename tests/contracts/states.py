"""How a provider gets into the state that a contract names: through its own routes, as at work."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from tests.contracts import of_gateway as asked_by_gateway
from tests.contracts import of_orders as asked_by_orders
from tests.contracts.consumer import NOTHING
from tests.contracts.documents import Json
from tests.contracts.of_invariants import ANYTHING
from tests.contracts.provider import Provider

State = Callable[[Provider, str], Awaitable[None]]
BASKET: Json = {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 2}, {"dish_id": 703, "quantity": 1}]}
_ANOTHER: Json = {"restaurant_id": 7, "items": [{"dish_id": 702, "quantity": 1}]}
_AUTHORISATION: Json = {"customer_id": 7, "amount_cents": 4_350}
_RESERVATION, _PAYMENT, _ASSIGNMENT = "/internal/reservations/{}", "/internal/payments/{}", "/internal/assignments/{}"
DOCUMENTED_ALONE: Final = frozenset({asked_by_orders.BUSY, asked_by_gateway.NO_ROOM})
"""States that no request brings about by itself: that they are answered as agreed, the provider's OpenAPI says."""


def _after(*requests: tuple[str, str, Json]) -> State:
    """The state after some requests, in whose paths {} is the order's id."""

    async def enter(provider: Provider, order_id: str) -> None:
        for method, path, body in requests:
            answer = await provider.ask(method, path.format(order_id), body)
            assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body!r}"

    return enter


async def _told(provider: Provider, order_id: str) -> None:
    event = {
        "id": order_id,
        "type": "order.accepted",
        "key": order_id,
        "occurred_at": 1_700_000_000.5,
        "payload": '{"customer_id": 7, "restaurant_id": 7, "items": [], "total_cents": 1, "courier": "assigned"}',
        "headers": {},
    }
    answer = await provider.ask("POST", "/internal/events", event)
    assert answer.status == 204, answer.body


_AUTHORISED = ("PUT", f"{_PAYMENT}/authorisation", _AUTHORISATION)
_CAPTURED = ("PUT", f"{_PAYMENT}/capture", None)
_ADA: Json = {"email": "ada@example.org", "name": "Ada", "password": "a-long-password"}
_ASSIGNED = ("PUT", _ASSIGNMENT, {"customer_id": 7})
_WITHDRAWN = ("DELETE", _ASSIGNMENT, None)
_RESERVED = ("PUT", _RESERVATION, BASKET)
STATES: Mapping[str, Mapping[str, State]] = {
    "users": {asked_by_gateway.SEEDED: _after(), asked_by_gateway.ADA: _after(("POST", "/internal/customers", _ADA))},
    "restaurants": {
        NOTHING: _after(),
        ANYTHING: _after(),
        asked_by_gateway.SERVES: _after(),
        asked_by_orders.RESERVED: _after(_RESERVED),
        asked_by_orders.RELEASED: _after(_RESERVED, ("DELETE", _RESERVATION, None)),
        asked_by_orders.ANOTHER: _after(("PUT", _RESERVATION, _ANOTHER)),
    },
    "payments": {
        NOTHING: _after(),
        ANYTHING: _after(),
        asked_by_orders.AUTHORISED: _after(_AUTHORISED),
        asked_by_orders.CAPTURED: _after(_AUTHORISED, _CAPTURED),
        asked_by_orders.VOIDED: _after(_AUTHORISED, ("PUT", f"{_PAYMENT}/void", None)),
        asked_by_orders.REFUNDED: _after(_AUTHORISED, _CAPTURED, ("PUT", f"{_PAYMENT}/refund", None)),
    },
    "deliveries": {
        NOTHING: _after(),
        ANYTHING: _after(),
        asked_by_orders.ASSIGNED: _after(_ASSIGNED),
        asked_by_orders.WITHDRAWN: _after(_ASSIGNED, _WITHDRAWN),
        asked_by_orders.WITHDRAWN_EARLY: _after(_WITHDRAWN),
    },
    "notifications": {ANYTHING: _told, asked_by_gateway.TOLD: _told},
}
"""By provider. The states of orders need other services, and are in test_orders_as_provider."""
