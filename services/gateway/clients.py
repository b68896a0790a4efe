"""What the gateway asks of other services. An answer made by a fallback says so in `degraded`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel

from services.gateway import schemas
from services.kit.caller import Caller, Offer
from services.kit.errors import NotFoundError, RefusedError
from services.kit.message import Outgoing, Reply
from services.kit.replies import parse_as
from services.policy import FallbackKind

Body = TypeVar("Body", bound=BaseModel)


NOBODY = 0
"""Whose an assignment is that was withdrawn before it was made."""


@dataclass(frozen=True)
class Marked(Generic[Body]):
    """A body, and by what kind of fallback it was made, if by any."""

    body: Body
    degraded: str | None = None


def _marked_as(model: type[Body]) -> Callable[[Reply], Marked[Body]]:
    """Parses success as `model`, marked if it was degraded on its way: by the edge's cache, or by who answered."""
    parse = parse_as(model)

    def marked(reply: Reply) -> Marked[Body]:
        return Marked(parse(reply), reply.degraded)

    return marked


class _SignedIn(BaseModel):
    customer_id: int


class _Placed(BaseModel):
    customer_id: int
    restaurant_id: int
    items: list[schemas.Line]


class _Assignment(BaseModel):
    customer_id: int
    courier: str
    state: Literal["assigned", "withdrawn"]


@dataclass(frozen=True)
class Users:
    """The users service."""

    caller: Caller

    async def sign_up(self, customer: schemas.CustomerIn) -> schemas.Customer:
        """A new customer, or the one whom the same email and password made. Raises RefusedError, ConflictError or CallError."""
        body = customer.model_dump_json().encode()
        return await self.caller.call(
            "users", Outgoing("POST", "/internal/customers", "/internal/customers", body), parse_as(schemas.Customer)
        )

    async def sign_in(self, credentials: schemas.SessionIn) -> int:
        """The customer's id. Raises UnauthenticatedError or CallError."""
        outgoing = Outgoing("POST", "/internal/sign-in", "/internal/sign-in", credentials.model_dump_json().encode())
        return (await self.caller.call("users", outgoing, parse_as(_SignedIn))).customer_id


@dataclass(frozen=True)
class Restaurants:
    """The restaurants service. Where the edge keeps answers, an old one may stand in for it, and is marked."""

    caller: Caller

    async def page(self, after: int, limit: int) -> Marked[schemas.RestaurantPage]:
        """Restaurants with an id above `after`. Raises CallError."""
        outgoing = Outgoing("GET", f"/internal/restaurants?after={after}&limit={limit}", "/internal/restaurants")
        return await self.caller.call("restaurants", outgoing, _marked_as(schemas.RestaurantPage))

    async def menu(self, restaurant_id: int) -> Marked[schemas.Menu]:
        """A menu. Raises NotFoundError or CallError."""
        path = f"/internal/restaurants/{restaurant_id}/menu"
        outgoing = Outgoing("GET", path, "/internal/restaurants/{restaurant_id}/menu")
        return await self.caller.call("restaurants", outgoing, _marked_as(schemas.Menu))

    async def popular(self, limit: int) -> Marked[schemas.PopularDishes]:
        """What is ordered most. Raises CallError."""
        outgoing = Outgoing("GET", f"/internal/dishes/popular?limit={limit}", "/internal/dishes/popular")
        return await self.caller.call("restaurants", outgoing, _marked_as(schemas.PopularDishes))


@dataclass(frozen=True)
class Orders:
    """The orders service."""

    caller: Caller

    async def place(self, customer_id: int, basket: schemas.Basket, idempotency_key: str) -> Marked[schemas.Order]:
        """Places an order, once a key. Raises NotFoundError, RefusedError, ConflictError or CallError."""
        placed = _Placed(customer_id=customer_id, restaurant_id=basket.restaurant_id, items=basket.items)
        body = placed.model_dump_json().encode()
        outgoing = Outgoing("POST", "/internal/orders", "/internal/orders", body, idempotency_key)
        return await self.caller.call("orders", outgoing, _marked_as(schemas.Order))

    async def page(self, customer_id: int, before: str, limit: int) -> schemas.OrderPage:
        """A customer's orders, newest first, older than the cursor `before`. Raises RefusedError for no cursor, or CallError."""
        query = urlencode({"customer_id": customer_id, "before": before, "limit": limit})
        outgoing = Outgoing("GET", f"/internal/orders?{query}", "/internal/orders")
        try:
            return await self.caller.call("orders", outgoing, parse_as(schemas.OrderPage))
        except RefusedError:  # In words of orders' own: the customer knows no `before`.
            raise RefusedError("query.cursor: must be `next` of the page before, or left out for the first") from None

    async def cancel(self, order_id: str, customer_id: int) -> schemas.Order:
        """Cancels a customer's own order. Raises NotFoundError, ConflictError or CallError."""
        path = f"/internal/orders/{order_id}/cancellation?customer_id={customer_id}"
        # A second cancellation finds the first: the order's id is the key.
        outgoing = Outgoing("POST", path, "/internal/orders/{order_id}/cancellation", idempotency_key=order_id)
        return await self.caller.call("orders", outgoing, parse_as(schemas.Order))

    async def find(self, order_id: str, customer_id: int) -> schemas.Order:
        """A customer's own order. Raises NotFoundError or CallError."""
        path = f"/internal/orders/{order_id}?customer_id={customer_id}"
        return await self.caller.call("orders", Outgoing("GET", path, "/internal/orders/{order_id}"), parse_as(schemas.Order))


@dataclass(frozen=True)
class Deliveries:
    """The deliveries service."""

    caller: Caller

    async def track(self, order_id: str, customer_id: int) -> Marked[schemas.Tracking] | None:
        """Who brings a customer's own order; None when nobody does. Raises NotFoundError for somebody else's, or CallError."""
        outgoing = Outgoing("GET", f"/internal/assignments/{order_id}", "/internal/assignments/{order_id}")
        parse = parse_as(_Assignment)

        def tracked(reply: Reply) -> Marked[schemas.Tracking] | None:
            if reply.status == NotFoundError.status:
                return None
            found = parse(reply)
            if found.customer_id == NOBODY:
                return None
            if found.customer_id != customer_id:
                raise NotFoundError(f"order {order_id} does not exist")
            return Marked(schemas.Tracking(order_id=order_id, status=found.state, courier=found.courier))

        unknown = Marked(schemas.Tracking(order_id=order_id, status="unknown"), FallbackKind.STATIC)
        return await self.caller.call("deliveries", outgoing, tracked, Offer(FallbackKind.STATIC, lambda _error: unknown))


@dataclass(frozen=True)
class Notifications:
    """The notifications service."""

    caller: Caller

    async def inbox(self, customer_id: int) -> Marked[schemas.Inbox]:
        """What a customer was told. Raises CallError."""
        outgoing = Outgoing("GET", f"/internal/notifications?customer_id={customer_id}", "/internal/notifications")
        empty = Marked(schemas.Inbox(notifications=[]), FallbackKind.STATIC)
        offer = Offer(FallbackKind.STATIC, lambda _error: empty)
        return await self.caller.call("notifications", outgoing, _marked_as(schemas.Inbox), offer)
