"""What orders asks of other services."""

from dataclasses import dataclass

from pydantic import BaseModel

from services.kit.caller import Caller, Offer
from services.kit.message import Outgoing, Reply
from services.kit.replies import check, parse_as
from services.orders.domain import Line
from services.policy import FallbackKind


class Quote(BaseModel):
    """What a basket costs."""

    total_cents: int


class _LineOut(BaseModel):
    dish_id: int
    quantity: int


class _Basket(BaseModel):
    restaurant_id: int
    items: list[_LineOut]


class _Charge(BaseModel):
    customer_id: int
    amount_cents: int


class _Wanted(BaseModel):
    customer_id: int


class _Notification(BaseModel):
    customer_id: int
    text: str


@dataclass(frozen=True)
class Restaurants:
    """The restaurants service."""

    caller: Caller

    async def quote(self, restaurant_id: int, lines: tuple[Line, ...]) -> int:
        """Whether a basket can be made, and its price in cents. Raises NotFoundError, RefusedError or CallError."""
        items = [_LineOut(dish_id=line.dish_id, quantity=line.quantity) for line in lines]
        body = _Basket(restaurant_id=restaurant_id, items=items).model_dump_json().encode()
        # A quote changes nothing, so it may be repeated; the key says so.
        outgoing = Outgoing("POST", "/internal/quotes", "/internal/quotes", body, idempotency_key="quote")
        return (await self.caller.call("restaurants", outgoing, parse_as(Quote))).total_cents


@dataclass(frozen=True)
class Payments:
    """The payments service."""

    caller: Caller

    async def charge(self, order_id: str, customer_id: int, amount_cents: int) -> None:
        """Charges an order, once however often it is asked. Raises ConflictError or CallError."""
        body = _Charge(customer_id=customer_id, amount_cents=amount_cents).model_dump_json().encode()
        outgoing = Outgoing("PUT", f"/internal/charges/{order_id}", "/internal/charges/{order_id}", body, order_id)
        await self.caller.call("payments", outgoing, check)

    async def refund(self, order_id: str) -> None:
        """Undoes a charge, or makes sure that it never happens. Raises CallError."""
        outgoing = Outgoing("PUT", f"/internal/refunds/{order_id}", "/internal/refunds/{order_id}", None, order_id)
        await self.caller.call("payments", outgoing, check)


@dataclass(frozen=True)
class Deliveries:
    """The deliveries service."""

    caller: Caller

    async def assign(self, order_id: str, customer_id: int) -> bool:
        """Finds a courier. False: the edge's fallback `defer` answered. Raises ConflictError or CallError."""
        body = _Wanted(customer_id=customer_id).model_dump_json().encode()
        outgoing = Outgoing("PUT", f"/internal/assignments/{order_id}", "/internal/assignments/{order_id}", body, order_id)

        def assigned(reply: Reply) -> bool:
            check(reply)
            return True

        offer = Offer(FallbackKind.DEFER, lambda _error: False)
        return await self.caller.call("deliveries", outgoing, assigned, offer)

    async def withdraw(self, order_id: str) -> None:
        """Takes an order from its courier, or makes sure that it never gets one. Raises CallError."""
        outgoing = Outgoing("DELETE", f"/internal/assignments/{order_id}", "/internal/assignments/{order_id}", None, order_id)
        await self.caller.call("deliveries", outgoing, check)


@dataclass(frozen=True)
class Notifications:
    """The notifications service."""

    caller: Caller

    async def tell(self, order_id: str, kind: str, customer_id: int, text: str) -> None:
        """Tells a customer something about an order. Raises CallError."""
        body = _Notification(customer_id=customer_id, text=text).model_dump_json().encode()
        path = f"/internal/notifications/{order_id}/{kind}"
        outgoing = Outgoing("PUT", path, "/internal/notifications/{order_id}/{kind}", body, order_id)
        await self.caller.call("notifications", outgoing, check)
