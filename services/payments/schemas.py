"""What payments takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.payments.domain import MAX_AMOUNT_CENTS, Payment, PaymentState, Step

MAX_ID = 2**31 - 1
"""Of customers and transactions: what a column of integers holds on every database."""


class AuthorisationIn(BaseModel):
    """How much to hold, and whose. Whole cents: a fraction or a text is refused, not rounded."""

    customer_id: int = Field(ge=1, le=MAX_ID, strict=True, examples=[7])
    amount_cents: int = Field(ge=1, le=MAX_AMOUNT_CENTS, strict=True, examples=[4_350])


class PaymentOut(BaseModel):
    """What became of an order's money; the amount is 0 where nothing was ever held."""

    order_id: str
    amount_cents: int
    state: PaymentState

    @classmethod
    def of(cls, payment: Payment) -> "PaymentOut":
        """The same on the wire."""
        return cls(order_id=payment.order_id, amount_cents=payment.amount_cents, state=payment.state)


class PaymentAudit(BaseModel):
    """A payment for the audit. `captures` and `refunds` are counted in the ledger; neither may ever be above 1."""

    order_id: str
    customer_id: int = Field(description="0 where the payment was undone before it was made")
    amount_cents: int
    state: PaymentState
    captures: int
    refunds: int


class EntryOut(BaseModel):
    """A debit (positive) or credit (negative) of one account."""

    account: str
    amount_cents: int


class TransactionAudit(BaseModel):
    """A transaction of the ledger; its entries sum to zero."""

    id: int
    order_id: str
    kind: Step
    entries: list[EntryOut]


class BalanceAudit(BaseModel):
    """An account and the sum of its entries, computed by the database."""

    account: str
    balance_cents: int
