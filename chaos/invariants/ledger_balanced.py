"""The ledger sums to zero, each of its transactions does, and it tells the same story as the payments' states."""

from collections import Counter, defaultdict

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude
from chaos.invariants.money import AUTHORISE, AUTHORISED, CAPTURE, CAPTURED, REFUND, REFUNDED, VOID, VOIDED
from chaos.invariants.rows import PaymentRow, TransactionRow

_STORIES = {
    AUTHORISED: ((AUTHORISE,),),
    CAPTURED: ((AUTHORISE, CAPTURE),),
    VOIDED: ((), (AUTHORISE, VOID)),
    REFUNDED: ((AUTHORISE, CAPTURE, REFUND),),
}
"""The transactions of an order, sorted, by the state of its payment. Nothing was ever held for an order without any."""


def ledger_balanced(books: Books) -> InvariantFinding:
    """Checks every transaction by itself, all together, and those of each steady order against its payment."""
    told: defaultdict[str, list[TransactionRow]] = defaultdict(list)
    balances: Counter[str] = Counter()
    for row in books.ledger:
        told[row.order_id].append(row)
        for entry in row.entries:
            balances[entry.account] += entry.amount_cents
    steady = {row.order_id: row for row in books.payments if row.order_id not in books.moving}
    total_cents = sum(balances.values())
    breaches = {
        "that do not sum to zero": {str(row.id) for row in books.ledger if not _is_balanced(row)},
        "of an order without a payment": told.keys() - steady.keys() - books.moving,
        "of an order whose payment tells another story": {n for n, payment in steady.items() if not _agree(payment, told[n])},
        f"together {total_cents} cents instead of 0": {"all"} if total_cents else set(),
    }
    judged = Judged(len(books.ledger), "transaction", "sums to zero and agrees with its payment", len(books.moving))
    return conclude(judged, breaches, {"merchant_cents": float(balances["merchant"]), "held_cents": float(balances["holds"])})


def _is_balanced(row: TransactionRow) -> bool:
    return len(row.entries) >= 2 and sum(entry.amount_cents for entry in row.entries) == 0


def _agree(payment: PaymentRow, told: list[TransactionRow]) -> bool:
    amounts = {abs(entry.amount_cents) for row in told for entry in row.entries}
    kinds = tuple(sorted(row.kind for row in told))
    return kinds in _STORIES.get(payment.state, ()) and amounts <= {payment.amount_cents}
