"""Routes of payments. Every one may be repeated: the order's id is the key."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from services.kit.errors import ConflictError
from services.kit.internal import require_internal_token
from services.payments.domain import Charge, ChargeRefusedError
from services.payments.schemas import ChargeIn, ChargeOut
from services.payments.store import ChargeStore

router = APIRouter(prefix="/internal", dependencies=[Depends(require_internal_token)], tags=["payments"])
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


def _store(request: Request) -> ChargeStore:
    store: ChargeStore = request.app.state.service
    return store


def _out(charge: Charge) -> ChargeOut:
    return ChargeOut(order_id=charge.order_id, amount_cents=charge.amount_cents, state=charge.state)


@router.put("/charges/{order_id}")
async def charge(order_id: OrderId, body: ChargeIn, request: Request) -> ChargeOut:
    """Charges an order."""
    try:
        return _out(await _store(request).charge(order_id, body.customer_id, body.amount_cents))
    except ChargeRefusedError as error:
        raise ConflictError(str(error)) from None


@router.put("/refunds/{order_id}")
async def refund(order_id: OrderId, request: Request) -> ChargeOut:
    """Undoes the charge of an order."""
    return _out(await _store(request).refund(order_id))
