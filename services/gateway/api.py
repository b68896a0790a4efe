"""The public routes. They check who asks, pass the question on, and say when an answer is degraded."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from services.gateway import schemas
from services.gateway.asking import Customer, address_of, admitted, gateway_of
from services.gateway.clients import Body, Marked
from services.gateway.tokens import LIFETIME_S
from services.gateway.urgency import urgent_as_its_route
from services.kit.message import DEGRADED_HEADER
from services.kit.problems import degradable, problems
from services.kit.strict_json import StrictRoute

router = APIRouter(
    prefix="/v1",
    tags=["public"],
    route_class=StrictRoute,
    dependencies=[Depends(admitted), Depends(urgent_as_its_route)],
    # Asked too often; and what becomes of a failure behind the gateway.
    responses=problems(429, 502, 503),
)
MAX_PAGE = 100
MAX_POPULAR = 50
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", examples=["5b7c2f1e-8d34-4a86-9f0b-3c1d2e4f5a60"])]
PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


@router.post("/customers", status_code=201, responses=problems(409))
async def sign_up(customer: schemas.CustomerIn, request: Request) -> schemas.Customer:
    """Makes a customer of somebody. It may be repeated: the same email and password answer with the same customer."""
    gateway = gateway_of(request)
    gateway.limits.passwords.take(_try_of(request, customer.email))
    with gateway.desk.place():
        return await gateway.users.sign_up(customer)


@router.post("/sessions", status_code=201, responses=problems(401))
async def sign_in(credentials: schemas.SessionIn, request: Request) -> schemas.Session:
    """Signs a customer in. The token goes into the header `Authorization: Bearer <token>` of what only a customer may ask."""
    gateway = gateway_of(request)
    gateway.limits.passwords.take(_try_of(request, credentials.email))
    with gateway.desk.place():
        customer_id = await gateway.users.sign_in(credentials)
    return schemas.Session(token=gateway.tokens.issue(customer_id), customer_id=customer_id, expires_in_s=LIFETIME_S)


@router.get("/restaurants", responses=degradable(200))
async def restaurants(
    request: Request, response: Response, cursor: Annotated[int, Query(ge=0, le=10**9)] = 0, limit: PageLimit = 20
) -> schemas.RestaurantPage:
    """A page of restaurants, by id. `cursor` is the `next` of the page before."""
    return _told(response, await gateway_of(request).restaurants.page(cursor, limit))


@router.get("/restaurants/{restaurant_id}/menu", responses=degradable(200) | problems(404))
async def menu(
    restaurant_id: Annotated[int, Path(ge=1, le=10**9, examples=[7])], request: Request, response: Response
) -> schemas.Menu:
    """A restaurant and its dishes."""
    return _told(response, await gateway_of(request).restaurants.menu(restaurant_id))


@router.get("/dishes/popular", responses=degradable(200))
async def popular_dishes(
    request: Request, response: Response, limit: Annotated[int, Query(ge=1, le=MAX_POPULAR)] = 10
) -> schemas.PopularDishes:
    """What is ordered most, from all restaurants."""
    return _told(response, await gateway_of(request).restaurants.popular(limit))


@router.post("/orders", status_code=201, responses=degradable(201) | problems(401, 404, 409))
async def place_order(
    basket: schemas.Basket,
    customer_id: Customer,
    request: Request,
    response: Response,
    # Printable ASCII: it travels on in a header.
    idempotency_key: Annotated[str, Header(max_length=100, pattern=r"^[ -~]*$")] = "",
) -> schemas.Order:
    """Places an order. Send an `Idempotency-Key` to be able to repeat it safely; with another basket it is a conflict."""
    return _told(response, await gateway_of(request).orders.place(customer_id, basket, idempotency_key or str(uuid.uuid4())))


@router.get("/orders", responses=problems(401))
async def orders(
    customer_id: Customer,
    request: Request,
    cursor: Annotated[str, Query(max_length=100, description="`next` of the page before")] = "",
    limit: PageLimit = 20,
) -> schemas.OrderPage:
    """A page of the customer's own orders, newest first."""
    return await gateway_of(request).orders.page(customer_id, cursor, limit)


@router.get("/orders/{order_id}", responses=problems(401, 404))
async def order(order_id: OrderId, customer_id: Customer, request: Request) -> schemas.Order:
    """One of the customer's own orders."""
    return await gateway_of(request).orders.find(order_id, customer_id)


@router.post("/orders/{order_id}/cancellation", responses=problems(401, 404, 409))
async def cancel_order(order_id: OrderId, customer_id: Customer, request: Request) -> schemas.Order:
    """Cancels one of the customer's own orders, unless it is too late. It may be repeated."""
    return await gateway_of(request).orders.cancel(order_id, customer_id)


@router.get("/orders/{order_id}/tracking", responses=degradable(200) | problems(401, 404))
async def track(order_id: OrderId, customer_id: Customer, request: Request, response: Response) -> schemas.Tracking:
    """Who brings one of the customer's own orders, or that a courier is still being found."""
    gateway = gateway_of(request)
    tracked = await gateway.deliveries.track(order_id, customer_id)
    if tracked is None:  # A courier is being found, or never was: whose order it is, and whether it is one, orders knows.
        found = await gateway.orders.find(order_id, customer_id)
        return schemas.Tracking(order_id=order_id, status="withdrawn" if found.status == "cancelled" else "awaiting_courier")
    return _told(response, tracked)


@router.get("/notifications", responses=degradable(200) | problems(401))
async def notifications(customer_id: Customer, request: Request, response: Response) -> schemas.Inbox:
    """What the customer was told lately."""
    return _told(response, await gateway_of(request).notifications.inbox(customer_id))


def _told(response: Response, marked: Marked[Body]) -> Body:
    """The body; if a fallback made it, its answer says so."""
    if marked.degraded:
        response.headers[DEGRADED_HEADER] = marked.degraded
    return marked.body


def _try_of(request: Request, email: str) -> str:
    """Whose password is tried from where. Not by the email alone: a stranger could then keep its owner out."""
    return f"{address_of(request)} {email.strip().lower()}"
