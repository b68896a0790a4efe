"""What payments takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.payments.domain import ChargeState


class ChargeIn(BaseModel):
    """What to charge, and whom."""

    customer_id: int = Field(ge=1)
    amount_cents: int = Field(ge=1, le=10_000_000)


class ChargeOut(BaseModel):
    """What was charged."""

    order_id: str
    amount_cents: int
    state: ChargeState
