"""An order has at most one courier, for ever."""

from dataclasses import dataclass
from enum import StrEnum


class AssignmentState(StrEnum):
    """`withdrawn` is final, also for an order that never had a courier: an assignment that arrives late must not take effect."""

    ASSIGNED = "assigned"
    WITHDRAWN = "withdrawn"


class AssignmentRefusedError(Exception):
    """The assignment contradicts what is already so; the text says how."""


@dataclass(frozen=True)
class Assignment:
    """Who brings an order. `courier_id` is 0 for an order that was withdrawn before it had one."""

    order_id: str
    customer_id: int
    courier_id: int
    state: AssignmentState


def repeated(existing: Assignment) -> Assignment:
    """The answer to an assignment that was made before. Raises AssignmentRefusedError."""
    if existing.state is AssignmentState.WITHDRAWN:
        raise AssignmentRefusedError(f"order {existing.order_id} has been withdrawn")
    return existing
