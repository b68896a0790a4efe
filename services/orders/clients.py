"""What orders asks of other services. Everything is keyed by the order's id, so that asking twice is as good as once."""

from dataclasses import dataclass

from pydantic import BaseModel

from services.kit.caller import Caller, Offer
from services.kit.message import Outgoing, Reply
from services.kit.replies import check, parse_as
from services.orders.domain import Line
from services.policy import FallbackKind


class Reservation(BaseModel):
    """What the restaurant says to a basket that it keeps."""

    total_cents: int


class _LineOut(BaseModel):
    dish_id: int
    quantity: int


class _Basket(BaseModel):
    restaurant_id: int
    items: list[_LineOut]


class _Authorisation(BaseModel):
    customer_id: int
    amount_cents: int


class _Wanted(BaseModel):
    customer_id: int


_TO_BEGIN, _TO_END = 4, 0
"""How urgent a step is that begins a payment, and one that ends or undoes what was begun. A busy service's limit keeps a quarter
of its room (services/kit/resilience/shed.py) from what begins, which can be turned away at no cost, for what ends: an order whose
capture is refused has used its slot in vain."""
_RESERVATION = "/internal/reservations/{order_id}"
_PAYMENT = "/internal/payments/{order_id}/"
_ASSIGNMENT = "/internal/assignments/{order_id}"


def _keyed(method: str, route: str, order_id: str, body: BaseModel | None = None, urgency: int | None = None) -> Outgoing:
    content = body.model_dump_json().encode() if body else None
    return Outgoing(method, route.format(order_id=order_id), route, content, order_id, urgency=urgency)


@dataclass(frozen=True)
class Restaurants:
    """The restaurants service."""

    caller: Caller

    async def reserve(self, order_id: str, restaurant_id: int, lines: tuple[Line, ...]) -> int:
        """Has the portions of a basket kept, and says its price in cents.

        Raises:
            NotFoundError: There is no such restaurant.
            RefusedError: A dish is not on its menu.
            ConflictError: A dish is sold out, or the reservation was released before.
            CallError: Whether it is kept is unknown.
        """
        items = [_LineOut(dish_id=line.dish_id, quantity=line.quantity) for line in lines]
        outgoing = _keyed("PUT", _RESERVATION, order_id, _Basket(restaurant_id=restaurant_id, items=items))
        return (await self.caller.call("restaurants", outgoing, parse_as(Reservation))).total_cents

    async def release(self, order_id: str) -> None:
        """Gives the portions back, or makes sure that they are never kept. Raises CallError."""
        await self.caller.call("restaurants", _keyed("DELETE", _RESERVATION, order_id, urgency=_TO_END), check)


@dataclass(frozen=True)
class Payments:
    """The payments service."""

    caller: Caller

    async def authorise(self, order_id: str, customer_id: int, amount_cents: int) -> None:
        """Holds an amount of the customer's. Raises RefusedError when it is declined, ConflictError when voided, or CallError."""
        body = _Authorisation(customer_id=customer_id, amount_cents=amount_cents)
        await self.caller.call("payments", _keyed("PUT", _PAYMENT + "authorisation", order_id, body, _TO_BEGIN), check)

    async def capture(self, order_id: str) -> None:
        """Takes what is held. Raises ConflictError when nothing is, or CallError."""
        await self.caller.call("payments", _keyed("PUT", _PAYMENT + "capture", order_id, urgency=_TO_END), check)

    async def void(self, order_id: str) -> None:
        """Lets go of what is held, or makes sure that nothing ever is. Raises ConflictError when it was taken, or CallError."""
        await self.caller.call("payments", _keyed("PUT", _PAYMENT + "void", order_id, urgency=_TO_END), check)

    async def refund(self, order_id: str) -> None:
        """Gives back what was taken, or makes sure that nothing ever is. Raises CallError."""
        await self.caller.call("payments", _keyed("PUT", _PAYMENT + "refund", order_id, urgency=_TO_END), check)


@dataclass(frozen=True)
class Deliveries:
    """The deliveries service."""

    caller: Caller

    async def assign(self, order_id: str, customer_id: int) -> bool:
        """Finds a courier. False: the edge's fallback `defer` answered. Raises ConflictError or CallError."""

        def assigned(reply: Reply) -> bool:
            check(reply)
            return True

        outgoing = _keyed("PUT", _ASSIGNMENT, order_id, _Wanted(customer_id=customer_id))
        return await self.caller.call("deliveries", outgoing, assigned, Offer(FallbackKind.DEFER, lambda _error: False))

    async def unassign(self, order_id: str) -> None:
        """Takes an order from its courier, or makes sure that it never gets one. Raises CallError."""
        await self.caller.call("deliveries", _keyed("DELETE", _ASSIGNMENT, order_id, urgency=_TO_END), check)
