"""Routes of deliveries. Every one may be repeated: the order's id is the key."""

from typing import Annotated

from fastapi import Path, Query, Request

from services.deliveries.domain import Assignment, AssignmentRefusedError
from services.deliveries.schemas import AssignmentAudit, AssignmentIn, AssignmentOut, CourierAudit
from services.deliveries.store import AssignmentStore
from services.kit.audit import MAX_PAGE, After, Limit, Page, page_of
from services.kit.errors import ConflictError, NotFoundError
from services.kit.internal import internal_router
from services.kit.problems import problems

router = internal_router("deliveries")
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", examples=["5b7c2f1e-8d34-4a86-9f0b-3c1d2e4f5a60"])]
AfterCourier = Annotated[str, Query(pattern=r"^[0-9]{0,9}$", description="`next` of the page before; empty for the first")]


def _store(request: Request) -> AssignmentStore:
    store: AssignmentStore = request.app.state.service
    return store


def _out(assignment: Assignment) -> AssignmentOut:
    return AssignmentOut(
        order_id=assignment.order_id,
        customer_id=assignment.customer_id,
        courier_id=assignment.courier_id,
        courier=f"Courier {assignment.courier_id}",
        state=assignment.state,
    )


@router.put("/assignments/{order_id}", responses=problems(ConflictError.status))
async def assign(order_id: OrderId, body: AssignmentIn, request: Request) -> AssignmentOut:
    """Finds a courier for an order."""
    try:
        return _out(await _store(request).assign(order_id, body.customer_id))
    except AssignmentRefusedError as error:
        raise ConflictError(str(error)) from None


@router.get("/assignments/{order_id}", responses=problems(NotFoundError.status))
async def find(order_id: OrderId, request: Request) -> AssignmentOut:
    """Who brings an order."""
    assignment = await _store(request).find(order_id)
    if assignment is None:
        raise NotFoundError(f"order {order_id} has no courier")
    return _out(assignment)


@router.delete("/assignments/{order_id}", status_code=204)
async def withdraw(order_id: OrderId, request: Request) -> None:
    """Takes an order from its courier."""
    await _store(request).withdraw(order_id)


@router.get("/audit")
async def audit(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[AssignmentAudit]:
    """All assignments, by order id."""
    found = await _store(request).page(after, limit + 1)
    rows = [AssignmentAudit(order_id=a.order_id, courier_id=a.courier_id, state=a.state) for a in found]
    return page_of(rows, [row.order_id for row in rows], limit)


@router.get("/audit/couriers")
async def audit_couriers(request: Request, after: AfterCourier = "", limit: Limit = MAX_PAGE) -> Page[CourierAudit]:
    """All couriers' loads, by courier id."""
    found = await _store(request).couriers(int(after or 0), limit + 1)
    rows = [CourierAudit(courier_id=each.id, assigned=each.assigned) for each in found]
    return page_of(rows, [str(row.courier_id) for row in rows], limit)
