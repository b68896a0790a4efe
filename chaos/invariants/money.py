"""What the words of payments and its ledger mean to invariants."""

from collections import Counter
from collections.abc import Iterable

from chaos.invariants.rows import TransactionRow

AUTHORISED, CAPTURED, VOIDED, REFUNDED = "authorised", "captured", "voided", "refunded"
"""States of a payment."""
AUTHORISE, CAPTURE, VOID, REFUND = "authorise", "capture", "void", "refund"
"""Kinds of transactions."""


def count_of_kind(ledger: Iterable[TransactionRow], kind: str) -> Counter[str]:
    """How many transactions of a kind each order has."""
    return Counter(row.order_id for row in ledger if row.kind == kind)
