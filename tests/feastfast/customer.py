"""Somebody who orders, and what FeastFast answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.feastfast.system import FeastFast

BASKET = {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 2}, {"dish_id": 703, "quantity": 1}]}


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Customer:
    """Somebody who is signed in and orders."""

    id: int
    token: str
    system: "FeastFast"

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.system.ask(method, path, body, headers={"Authorization": f"Bearer {self.token}"} | named)

    async def order(self, **headers: str) -> Answer:
        return await self.ask("POST", "/v1/orders", BASKET, **headers)

    async def status(self, order_id: str) -> str:
        status: str = (await self.ask("GET", f"/v1/orders/{order_id}")).json["status"]
        return status

    def orders(self) -> list[tuple[str, str]]:
        """(id, status) of everything this customer ever ordered, from the service's own file."""
        return self.system.rows("orders", "SELECT id, status FROM orders WHERE customer_id = ?", self.id)

    def payments(self) -> list[str]:
        """States of this customer's orders' payments."""
        return self._of_my_orders(self.system.rows("payments", "SELECT order_id, state FROM payments"))

    def reservations(self) -> list[str]:
        """States of this customer's orders' portions."""
        return self._of_my_orders(self.system.rows("restaurants", "SELECT order_id, state FROM reservations"))

    def couriers(self) -> list[str]:
        """States of this customer's orders' assignments."""
        return self._of_my_orders(self.system.rows("deliveries", "SELECT order_id, state FROM assignments"))

    def _of_my_orders(self, rows: list[tuple[Any, ...]]) -> list[str]:
        mine = {order_id for order_id, _ in self.orders()}
        return [state for order_id, state in rows if order_id in mine]
