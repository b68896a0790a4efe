"""What restaurants tells of itself to whoever checks the business's invariants."""

from typing import Annotated

from fastapi import Query, Request

from services.kit.audit import MAX_PAGE, After, Limit, Page, page_of
from services.kit.internal import internal_router
from services.restaurants.domain import Reservation
from services.restaurants.kitchens import Kitchens
from services.restaurants.schemas import LineOut, PopularAudit, ReservationAudit, StockAudit

router = internal_router("audit")
AfterDish = Annotated[str, Query(pattern=r"^[0-9]{0,9}$", description="`next` of the page before; empty for the first")]


def _kitchens(request: Request) -> Kitchens:
    kitchens: Kitchens = request.app.state.service
    return kitchens


@router.get("/audit")
async def reservations(request: Request, after: After = "", limit: Limit = MAX_PAGE) -> Page[ReservationAudit]:
    """All reservations, by order id."""
    rows = [_row(each) for each in await _kitchens(request).reservations.page(after, limit + 1)]
    return page_of(rows, [row.order_id for row in rows], limit)


@router.get("/audit/stock")
async def stock(request: Request, after: AfterDish = "", limit: Limit = MAX_PAGE) -> Page[StockAudit]:
    """All dishes' portions, by dish id. The portions of `reserved` reservations are what is missing."""
    found = await _kitchens(request).reservations.stock(int(after or 0), limit + 1)
    rows = [StockAudit(dish_id=each.dish_id, initial=each.initial, left=each.left) for each in found]
    return page_of(rows, [str(row.dish_id) for row in rows], limit)


@router.get("/audit/popular")
async def popular(request: Request, after: AfterDish = "", limit: Limit = MAX_PAGE) -> Page[PopularAudit]:
    """All dishes that were ever ordered, by dish id."""
    rows = await _kitchens(request).popular.page(int(after or 0), limit + 1)
    return page_of(rows, [str(row.dish_id) for row in rows], limit)


def _row(reservation: Reservation) -> ReservationAudit:
    return ReservationAudit(
        order_id=reservation.order_id,
        restaurant_id=reservation.restaurant_id,
        state=reservation.state,
        lines=[LineOut(dish_id=line.dish_id, quantity=line.quantity) for line in reservation.lines],
        total_cents=reservation.total_cents,
    )
