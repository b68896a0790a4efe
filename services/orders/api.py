"""Routes of orders."""

import uuid
from typing import Annotated

from fastapi import Header, Path, Query, Request, Response

from services.kit.errors import ConflictError, NotFoundError, OverloadedError, UndoneError
from services.kit.internal import internal_router
from services.kit.message import DEGRADED_HEADER
from services.kit.problems import degradable, problems
from services.orders.cursor import Cursor, read_cursor, write_cursor
from services.orders.domain import Line, Order, OrderStatus
from services.orders.placing import OrderBook
from services.orders.schemas import MAX_ID, LineIO, OrderIn, OrderOut, OrderPage

router = internal_router("orders")
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", examples=["5b7c2f1e-8d34-4a86-9f0b-3c1d2e4f5a60"])]
CustomerId = Annotated[int, Query(ge=1, le=MAX_ID)]
MAX_PAGE = 100
_NOT_PLACED = problems(NotFoundError.status, ConflictError.status, UndoneError.status, OverloadedError.status)
"""503: more events wait for a consumer than are kept, so nothing new is begun."""


def _book(request: Request) -> OrderBook:
    book: OrderBook = request.app.state.service
    return book


def _out(order: Order) -> OrderOut:
    return OrderOut(
        id=order.id,
        status=order.status,
        restaurant_id=order.restaurant_id,
        items=[LineIO(dish_id=line.dish_id, quantity=line.quantity) for line in order.lines],
        total_cents=order.total_cents,
        created_at=order.created_at,
    )


@router.post("/orders", status_code=201, responses=degradable(201) | _NOT_PLACED)
async def place(
    body: OrderIn,
    request: Request,
    response: Response,
    idempotency_key: Annotated[str, Header(max_length=100, pattern=r"^[ -~]*$")] = "",
) -> OrderOut:
    """Places an order; a repeated key answers with the order that it placed."""
    lines = tuple(Line(item.dish_id, item.quantity) for item in body.items)
    key = idempotency_key or str(uuid.uuid4())
    order = await _book(request).place(body.customer_id, body.restaurant_id, lines, key)
    if order.status is OrderStatus.AWAITING_COURIER:
        response.headers[DEGRADED_HEADER] = "defer"
    return _out(order)


@router.get("/orders")
async def list_orders(
    customer_id: CustomerId,
    request: Request,
    before: Cursor = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
) -> OrderPage:
    """A customer's orders, the newest first."""
    found = await _book(request).store.of_customer(customer_id, read_cursor(before), limit + 1)
    following = write_cursor(found[limit - 1]) if len(found) > limit else None
    return OrderPage(orders=[_out(order) for order in found[:limit]], next=following)


@router.get("/orders/{order_id}", responses=problems(NotFoundError.status))
async def find(order_id: OrderId, customer_id: CustomerId, request: Request) -> OrderOut:
    """A customer's own order."""
    return _out(await _book(request).of_customer(order_id, customer_id))


@router.post("/orders/{order_id}/cancellation", responses=problems(NotFoundError.status, ConflictError.status))
async def cancel(order_id: OrderId, customer_id: CustomerId, request: Request) -> OrderOut:
    """Cancels a customer's own order, also while it is being placed; a confirmed one it does not."""
    return _out(await _book(request).cancel(order_id, customer_id))
