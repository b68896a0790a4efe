"""What may happen to a payment, and what each step writes into the ledger.

A payment's state, by what it was and what it is told (an empty field is refused):

    is told     no payment   authorised   captured    voided    refunded
    authorise   authorised   authorised   captured
    capture                  captured     captured
    void        voided       voided                   voided    refunded
    refund      voided       voided       refunded    voided    refunded

An undo of what never was is a tombstone: the payment is `voided`, so that an authorisation which arrives late is refused.

Every step that moves money is one transaction of two entries that sum to zero. A debit is positive, a credit negative:

    step        debited         credited        so that
    authorise   holds           customer:<id>   a part of the customer's money is held
    capture     merchant        holds           it is FeastFast's, and held no more
    void        customer:<id>   holds           it is the customer's again, and was never taken
    refund      customer:<id>   merchant        what was taken is given back

So the balance of `holds` is what is held and not yet taken, that of `merchant` what was captured less what was refunded, and that
of `customer:<id>` is minus what this customer has parted with. All balances together are zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

NOBODY = 0
"""The customer of a payment that was undone before it was made."""
MAX_AMOUNT_CENTS = 10_000_000
HOLDS = "holds"
MERCHANT = "merchant"


class PaymentState(StrEnum):
    """`voided` and `refunded` are final."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"


class Step(StrEnum):
    """What a payment may be told, and the kinds of transactions."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class PaymentRefusedError(Exception):
    """The step contradicts what is already so; the text says how, and what is allowed."""


@dataclass(frozen=True)
class Payment:
    """What became of an order's money. `amount_cents` is 0, and the customer NOBODY, where nothing was ever held."""

    order_id: str
    customer_id: int
    amount_cents: int
    state: PaymentState


@dataclass(frozen=True)
class Entry:
    """An amount that one account is debited (positive) or credited (negative)."""

    account: str
    amount_cents: int


@dataclass(frozen=True)
class Transaction:
    """Entries that belong together, and sum to zero."""

    order_id: str
    step: Step
    entries: tuple[Entry, ...]


_NEXT: Mapping[PaymentState | None, Mapping[Step, PaymentState]] = {
    None: {
        Step.AUTHORISE: PaymentState.AUTHORISED,
        Step.VOID: PaymentState.VOIDED,
        Step.REFUND: PaymentState.VOIDED,
    },
    PaymentState.AUTHORISED: {
        Step.AUTHORISE: PaymentState.AUTHORISED,
        Step.CAPTURE: PaymentState.CAPTURED,
        Step.VOID: PaymentState.VOIDED,
        Step.REFUND: PaymentState.VOIDED,
    },
    PaymentState.CAPTURED: {
        Step.AUTHORISE: PaymentState.CAPTURED,
        Step.CAPTURE: PaymentState.CAPTURED,
        Step.REFUND: PaymentState.REFUNDED,
    },
    PaymentState.VOIDED: {Step.VOID: PaymentState.VOIDED, Step.REFUND: PaymentState.VOIDED},
    PaymentState.REFUNDED: {Step.VOID: PaymentState.REFUNDED, Step.REFUND: PaymentState.REFUNDED},
}
_RECORDED_AS: Mapping[tuple[PaymentState | None, PaymentState], Step] = {
    (None, PaymentState.AUTHORISED): Step.AUTHORISE,
    (PaymentState.AUTHORISED, PaymentState.CAPTURED): Step.CAPTURE,
    (PaymentState.AUTHORISED, PaymentState.VOIDED): Step.VOID,
    (PaymentState.CAPTURED, PaymentState.REFUNDED): Step.REFUND,
}


def next_state(step: Step, order_id: str, state: PaymentState | None) -> PaymentState:
    """The state of an order's payment after `step`; the same when nothing changes. Raises PaymentRefusedError."""
    allowed = _NEXT[state]
    if step not in allowed:
        now = "there is no payment" if state is None else f"the payment is {state}"
        raise PaymentRefusedError(f"order {order_id}: {now}, so {step} is refused; allowed: {', '.join(allowed)}")
    return allowed[step]


def repeated(existing: Payment, wanted: Payment) -> Payment:
    """The answer to an authorisation that was made before: the same, if it is the same. Raises PaymentRefusedError."""
    next_state(Step.AUTHORISE, existing.order_id, existing.state)
    if (existing.customer_id, existing.amount_cents) != (wanted.customer_id, wanted.amount_cents):
        raise PaymentRefusedError(
            f"order {existing.order_id} has a payment of {existing.amount_cents} cents by customer {existing.customer_id}, "
            f"not of {wanted.amount_cents} cents by customer {wanted.customer_id}"
        )
    return existing


def transaction_of(before: PaymentState | None, payment: Payment) -> Transaction | None:
    """What the ledger records when a payment that was `before` becomes `payment`; None where no money moves."""
    step = _RECORDED_AS.get((before, payment.state))
    if step is None:
        return None
    customer = f"customer:{payment.customer_id}"
    debited, credited = {
        Step.AUTHORISE: (HOLDS, customer),
        Step.CAPTURE: (MERCHANT, HOLDS),
        Step.VOID: (customer, HOLDS),
        Step.REFUND: (customer, MERCHANT),
    }[step]
    entries = (Entry(debited, payment.amount_cents), Entry(credited, -payment.amount_cents))
    return Transaction(payment.order_id, step, entries)
