"""What orders takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.orders.domain import OrderStatus


class LineIO(BaseModel):
    """A dish and how many of it."""

    dish_id: int = Field(ge=1, le=10**9)
    quantity: int = Field(ge=1, le=20)


class OrderIn(BaseModel):
    """What a customer wants."""

    customer_id: int = Field(ge=1)
    restaurant_id: int = Field(ge=1, le=10**9)
    items: list[LineIO] = Field(min_length=1, max_length=50)


class OrderOut(BaseModel):
    """An order."""

    id: str
    status: OrderStatus
    restaurant_id: int
    items: list[LineIO]
    total_cents: int
    created_at: float = Field(description="Unix time, seconds")


class OrderAudit(BaseModel):
    """What invariants read of an order."""

    id: str
    status: OrderStatus
    created_at: float = Field(description="Unix time, seconds")
    deferred: bool
