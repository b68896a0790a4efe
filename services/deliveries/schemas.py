"""What deliveries takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.deliveries.domain import AssignmentState

MAX_CUSTOMER_ID = 2**63 - 1
"""What the column holds."""


class AssignmentIn(BaseModel):
    """For whom a courier is wanted."""

    customer_id: int = Field(ge=1, le=MAX_CUSTOMER_ID, examples=[7])


class CourierWanted(AssignmentIn):
    """Payload of `order.courier_wanted`: an accepted order waits for a courier."""


class CourierAssigned(BaseModel):
    """Payload of `courier.assigned`: it has one."""

    customer_id: int
    courier_id: int


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


class CourierAudit(BaseModel):
    """What invariants read of a courier: `assigned` is how many assignments name them that were not withdrawn."""

    courier_id: int
    assigned: int
