"""The public routes. They check who asks, pass the question on, and say when an answer is degraded."""

import uuid
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from services.gateway import schemas
from services.gateway.clients import Deliveries, Notifications, Orders, Restaurants, Users
from services.gateway.tokens import LIFETIME_S, Tokens
from services.kit.message import DEGRADED_HEADER

router = APIRouter(prefix="/v1", tags=["public"])
MAX_PAGE = 100


@dataclass(frozen=True)
class Gateway:
    """What the routes work with."""

    tokens: Tokens
    users: Users
    restaurants: Restaurants
    orders: Orders
    deliveries: Deliveries
    notifications: Notifications


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.service
    return gateway


async def signed_in(request: Request, authorization: Annotated[str, Header(max_length=2_000)] = "") -> int:
    """FastAPI dependency: the customer who asks. Raises UnauthenticatedError."""
    return _gateway(request).tokens.customer_of(authorization)


Customer = Annotated[int, Depends(signed_in)]
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@router.post("/sessions", status_code=201)
async def sign_in(credentials: schemas.SessionIn, request: Request) -> schemas.Session:
    """Signs a customer in."""
    gateway = _gateway(request)
    customer_id = await gateway.users.sign_in(credentials)
    return schemas.Session(token=gateway.tokens.issue(customer_id), customer_id=customer_id, expires_in_s=LIFETIME_S)


@router.get("/restaurants")
async def restaurants(
    request: Request,
    cursor: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
) -> schemas.RestaurantPage:
    """A page of restaurants."""
    return await _gateway(request).restaurants.page(cursor, limit)


@router.get("/restaurants/{restaurant_id}/menu")
async def menu(restaurant_id: Annotated[int, Path(ge=1, le=10**9)], request: Request) -> schemas.Menu:
    """A restaurant and its dishes."""
    return await _gateway(request).restaurants.menu(restaurant_id)


@router.post("/orders", status_code=201)
async def place_order(
    basket: schemas.Basket,
    customer_id: Customer,
    request: Request,
    response: Response,
    # Printable ASCII: it travels on in a header.
    idempotency_key: Annotated[str, Header(max_length=100, pattern=r"^[ -~]*$")] = "",
) -> schemas.Order:
    """Places an order. Send an `Idempotency-Key` to be able to repeat it safely."""
    placed = await _gateway(request).orders.place(customer_id, basket, idempotency_key or str(uuid.uuid4()))
    _mark(response, placed.degraded)
    return placed.body


@router.get("/orders/{order_id}")
async def order(order_id: OrderId, customer_id: Customer, request: Request) -> schemas.Order:
    """One of the customer's own orders."""
    return await _gateway(request).orders.find(order_id, customer_id)


@router.get("/orders/{order_id}/tracking")
async def track(order_id: OrderId, customer_id: Customer, request: Request, response: Response) -> schemas.Tracking:
    """Who brings an order."""
    gateway = _gateway(request)
    tracked = await gateway.deliveries.track(order_id, customer_id)
    if tracked is None:  # A courier is being found, or never was: whose order it is, and whether it is one, orders knows.
        found = await gateway.orders.find(order_id, customer_id)
        return schemas.Tracking(order_id=order_id, status="withdrawn" if found.status == "cancelled" else "awaiting_courier")
    _mark(response, tracked.degraded)
    return tracked.body


@router.get("/notifications")
async def notifications(customer_id: Customer, request: Request, response: Response) -> schemas.Inbox:
    """What the customer was told lately."""
    inbox = await _gateway(request).notifications.inbox(customer_id)
    _mark(response, inbox.degraded)
    return inbox.body


def _mark(response: Response, degraded: str | None) -> None:
    if degraded:
        response.headers[DEGRADED_HEADER] = degraded
