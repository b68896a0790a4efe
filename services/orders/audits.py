"""The account that orders gives of itself to whoever checks invariants: every order, and the log of every saga."""

from typing import Annotated

from fastapi import Query, Request

from services.kit.audit import MAX_PAGE, After, Limit, Page, page_of
from services.kit.internal import internal_router
from services.kit.saga.record import SagaState
from services.orders.placing import OrderBook
from services.orders.schemas import OrderAudit, SagaEntryAudit

router = internal_router("audit")
AfterEntry = Annotated[
    str, Query(max_length=60, pattern=r"^$|^[0-9a-f-]{36}_\d{1,9}$", description="`next` of the page before; empty for the first")
]


@router.get("/audit")
async def orders(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[OrderAudit]:
    """All orders, by id."""
    book: OrderBook = request.app.state.service
    rows = [
        OrderAudit(
            id=order.id,
            customer_id=order.customer_id,
            status=order.status,
            saga_state=SagaState(saga_state),
            restaurant_id=order.restaurant_id,
            total_cents=order.total_cents,
            lines=[(line.dish_id, line.quantity) for line in order.lines],
            deferred=order.deferred,
            created_at=order.created_at,
        )
        for order, saga_state in await book.store.page(after, limit + 1)
    ]
    return page_of(rows, [row.id for row in rows], limit)


@router.get("/audit/sagas")
async def sagas(request: Request, after: AfterEntry = "", limit: Limit = MAX_PAGE) -> Page[SagaEntryAudit]:
    """The log of all sagas, by saga and version."""
    book: OrderBook = request.app.state.service
    saga_id, _, version = after.partition("_")
    found = await book.sagas.page((saga_id, int(version or -1)), limit + 1)
    rows = [SagaEntryAudit(saga_id=e.saga_id, version=e.version, at=e.at, owner=e.owner, entry=e.entry) for e in found]
    return page_of(rows, [f"{row.saga_id}_{row.version}" for row in rows], limit)
