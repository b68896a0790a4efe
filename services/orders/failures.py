"""Why an order did not come about: what is kept of it, and what its customer is told, at first and whenever they ask again."""

from services.kit.errors import (
    BulkheadFullError,
    ConflictError,
    NotFoundError,
    RefusedError,
    ServiceError,
    ShedError,
    ThrottledError,
    TooManyRequestsError,
    UndoneError,
)
from services.orders.domain import Failure

RETRY_AFTER_S = 1
_REFUSALS = (NotFoundError, ConflictError, RefusedError)
"""Errors that are the customer's to mend; what else undoes an order is no fault of theirs."""
_BUSY = (ShedError, ThrottledError, BulkheadFullError)
"""Nothing is broken: there was too much to do, and a little later there may not be."""


class OrderCancelledError(UndoneError):
    """The order was undone before it was accepted: no mistake of the customer's, who may order again with a new key."""

    def __init__(self, order_id: str, why: str, retry_after_s: int | None = None) -> None:
        detail = f"order {order_id} was cancelled: {why}; order again, with a new Idempotency-Key if you send one"
        super().__init__(detail, retry_after_s)


def failure_of(error: ServiceError) -> Failure:
    """What is kept of an error. A step for which there was no room is kept as 429, whatever its own callers would be told."""
    return Failure(TooManyRequestsError.status if isinstance(error, _BUSY) else error.status, error.detail)


def as_told(order_id: str, failure: Failure | None) -> ServiceError:
    """What the customer of a cancelled order is answered."""
    for refusal in _REFUSALS:
        if failure and failure.status == refusal.status:
            return refusal(failure.detail)
    retry_after_s = RETRY_AFTER_S if failure and failure.status == TooManyRequestsError.status else None
    return OrderCancelledError(order_id, failure.detail if failure else "it could not be completed", retry_after_s)
