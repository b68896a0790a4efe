"""Routes of orders."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from services.kit.audit import MAX_PAGE, After, Limit, Page, page_of
from services.kit.errors import NotFoundError
from services.kit.internal import require_internal_token
from services.kit.message import DEGRADED_HEADER
from services.orders.domain import Line, Order, OrderStatus
from services.orders.placing import OrderBook
from services.orders.schemas import LineIO, OrderAudit, OrderIn, OrderOut

router = APIRouter(prefix="/internal", dependencies=[Depends(require_internal_token)], tags=["orders"])
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


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


@router.post("/orders", status_code=201)
async def place(
    body: OrderIn, request: Request, response: Response, idempotency_key: Annotated[str, Header(max_length=100)] = ""
) -> OrderOut:
    """Places an order; a repeated key answers with the order that it placed."""
    lines = tuple(Line(item.dish_id, item.quantity) for item in body.items)
    key = idempotency_key or str(uuid.uuid4())
    order = await _book(request).place(body.customer_id, body.restaurant_id, lines, key)
    if order.status is OrderStatus.AWAITING_COURIER:
        response.headers[DEGRADED_HEADER] = "defer"
    return _out(order)


@router.get("/orders/{order_id}")
async def find(order_id: OrderId, customer_id: Annotated[int, Query(ge=1)], request: Request) -> OrderOut:
    """A customer's own order."""
    order = await _book(request).store.find(order_id)
    if order is None or order.customer_id != customer_id:
        raise NotFoundError(f"order {order_id} does not exist")
    return _out(order)


@router.get("/audit")
async def audit(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[OrderAudit]:
    """All orders, by id."""
    found = await _book(request).store.page(after, limit + 1)
    rows = [OrderAudit(id=o.id, status=o.status, created_at=o.created_at, deferred=o.deferred) for o in found]
    return page_of(rows, [row.id for row in rows], limit)
