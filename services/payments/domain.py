"""A charge has two states and one way between them."""

from dataclasses import dataclass
from enum import StrEnum


class ChargeState(StrEnum):
    """`refunded` is final, also for an order that never was charged: a charge that arrives late must not take effect."""

    CHARGED = "charged"
    REFUNDED = "refunded"


class ChargeRefusedError(Exception):
    """The charge contradicts what is already so; the text says how."""


@dataclass(frozen=True)
class Charge:
    """What an order was charged."""

    order_id: str
    customer_id: int
    amount_cents: int
    state: ChargeState


def repeated(existing: Charge, amount_cents: int) -> Charge:
    """The answer to a charge that was made before: the same, if it is the same. Raises ChargeRefusedError."""
    if existing.state is ChargeState.REFUNDED:
        raise ChargeRefusedError(f"order {existing.order_id} has been refunded")
    if existing.amount_cents != amount_cents:
        raise ChargeRefusedError(f"order {existing.order_id} was charged {existing.amount_cents}, not {amount_cents} cents")
    return existing
