"""What deliveries takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.deliveries.domain import AssignmentState


class AssignmentIn(BaseModel):
    """For whom a courier is wanted."""

    customer_id: int = Field(ge=1)


class AssignmentOut(BaseModel):
    """Who brings an order."""

    order_id: str
    customer_id: int
    courier_id: int
    courier: str
    state: AssignmentState


class AssignmentAudit(BaseModel):
    """What invariants read of an assignment."""

    order_id: str
    courier_id: int
    state: AssignmentState
