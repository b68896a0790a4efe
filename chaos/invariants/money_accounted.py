"""Every capture has an order that was accepted, or was given back; and no money is held for an order that is finished."""

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude
from chaos.invariants.money import AUTHORISED, CAPTURE, CAPTURED, REFUND, count_of_kind


def money_accounted(books: Books) -> InvariantFinding:
    """Looks from payments at orders; `captured_once` looks the other way."""
    captures, refunds = count_of_kind(books.ledger, CAPTURE), count_of_kind(books.ledger, REFUND)
    kept = {name for name in captures if captures[name] > refunds[name]}
    judged = {row.order_id: row for row in books.payments if row.order_id not in books.moving}
    open_ended = {name for name, row in judged.items() if name not in books.accepted}
    breaches = {
        "of an order that does not exist": judged.keys() - books.order.keys(),
        "captured for an order that was not accepted": {n for n in open_ended if judged[n].state == CAPTURED or n in kept},
        "still held for a finished order": {name for name, row in judged.items() if row.state == AUTHORISED},
        "refunded of an accepted order": {name for name in books.accepted if refunds[name]},
    }
    return conclude(
        Judged(len(judged), "payment", "is kept for an accepted order, or was given back", len(books.moving)), breaches
    )
