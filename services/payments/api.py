"""Routes of payments. Every one may be repeated: the order's id is the key."""

from typing import Annotated

from fastapi import Path, Request

from services.kit.errors import ConflictError, OverloadedError
from services.kit.internal import internal_router
from services.kit.problems import problems
from services.payments.domain import PaymentRefusedError, Step
from services.payments.processor import Processor
from services.payments.schemas import AuthorisationIn, PaymentOut

router = internal_router("payments")
OrderId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", examples=["5b7c2f1e-8d34-4a86-9f0b-3c1d2e4f5a60"])]
_ANSWERS = problems(ConflictError.status, OverloadedError.status)


def _processor(request: Request) -> Processor:
    processor: Processor = request.app.state.service
    return processor


async def _take(step: Step, order_id: str, request: Request) -> PaymentOut:
    try:
        return PaymentOut.of(await _processor(request).take(step, order_id))
    except PaymentRefusedError as error:
        raise ConflictError(str(error)) from None


@router.put("/payments/{order_id}/authorisation", responses=_ANSWERS)
async def authorise(order_id: OrderId, body: AuthorisationIn, request: Request) -> PaymentOut:
    """Holds an amount of the customer's money; 422 when the acquirer declines it."""
    try:
        return PaymentOut.of(await _processor(request).authorise(order_id, body.customer_id, body.amount_cents))
    except PaymentRefusedError as error:
        raise ConflictError(str(error)) from None


@router.put("/payments/{order_id}/capture", responses=_ANSWERS)
async def capture(order_id: OrderId, request: Request) -> PaymentOut:
    """Takes what is held."""
    return await _take(Step.CAPTURE, order_id, request)


@router.put("/payments/{order_id}/void", responses=_ANSWERS)
async def void(order_id: OrderId, request: Request) -> PaymentOut:
    """Lets go of what is held, or makes sure that nothing ever is."""
    return await _take(Step.VOID, order_id, request)


@router.put("/payments/{order_id}/refund", responses=_ANSWERS)
async def refund(order_id: OrderId, request: Request) -> PaymentOut:
    """Gives back what was taken, or lets go of what is held, or makes sure that nothing ever is."""
    return await _take(Step.REFUND, order_id, request)
