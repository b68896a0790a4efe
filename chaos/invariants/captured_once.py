"""Every accepted order was captured exactly once, and for its own total."""

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude
from chaos.invariants.money import CAPTURE, CAPTURED, count_of_kind

TWICE = "captured more than once"


def captured_once(books: Books) -> InvariantFinding:
    """Compares accepted orders with what payments says of them, and with the captures in its ledger."""
    accepted = books.accepted
    captures = count_of_kind(books.ledger, CAPTURE)
    payments = {row.order_id: row for row in books.payments if row.order_id in accepted}
    breaches = {
        "without a payment": accepted.keys() - payments.keys(),
        "not captured": {name for name, payment in payments.items() if payment.state != CAPTURED},
        "captured for another amount": {n for n, payment in payments.items() if payment.amount_cents != accepted[n].total_cents},
        "without a capture in the ledger": {name for name in accepted if not captures[name]},
        TWICE: {name for name in accepted if captures[name] > 1},
    }
    return conclude(Judged(len(accepted), "accepted order", "was captured exactly once", len(books.moving)), breaches)
