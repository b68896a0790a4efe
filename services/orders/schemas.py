"""What orders takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.kit.saga.record import SagaState
from services.orders.domain import OrderStatus

MAX_ID = 2**31 - 1


class LineIO(BaseModel):
    """A dish and how many of it."""

    dish_id: int = Field(ge=1, le=10**9, examples=[701])
    quantity: int = Field(ge=1, le=20, examples=[2])


class OrderIn(BaseModel):
    """What a customer wants."""

    customer_id: int = Field(ge=1, le=MAX_ID, examples=[7])
    restaurant_id: int = Field(ge=1, le=10**9, examples=[7])
    items: list[LineIO] = Field(min_length=1, max_length=50)


class OrderOut(BaseModel):
    """An order; `total_cents` is 0 until the restaurant has said what it costs."""

    id: str
    status: OrderStatus
    restaurant_id: int
    items: list[LineIO]
    total_cents: int
    created_at: float = Field(description="Unix time, seconds")


class OrderPage(BaseModel):
    """A customer's orders, the newest first; `next` is what to pass as `before`, None on the last page."""

    orders: list[OrderOut]
    next: str | None


class OrderAudit(BaseModel):
    """What invariants read of an order."""

    id: str
    customer_id: int
    status: OrderStatus
    saga_state: SagaState
    restaurant_id: int
    total_cents: int
    lines: list[tuple[int, int]] = Field(description="dish id and quantity")
    deferred: bool
    created_at: float = Field(description="Unix time, seconds")


class SagaEntryAudit(BaseModel):
    """One line of a saga's log."""

    saga_id: str
    version: int
    at: float = Field(description="Unix time, seconds")
    owner: str
    entry: str
