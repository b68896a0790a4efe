"""No order is stuck between accepted and cancelled."""

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude

STUCK_AFTER_S = 60.0
"""An order is placed within seconds or given up; what was given up is undone at least every 5 s until it is."""


def sagas_finished(books: Books, stuck_after_s: float = STUCK_AFTER_S) -> InvariantFinding:
    """Looks for orders that somebody still works on though they are older than `stuck_after_s`.

    One that is open at the last reading only was cancelled by its customer meanwhile.
    """
    first = {row.id for row in books.first_orders if not row.finished}
    unfinished = [row for row in books.orders if not row.finished]
    stuck = {row.id for row in unfinished if row.id in first and books.read_at - row.created_at > stuck_after_s}
    breaches = {
        f"open for more than {stuck_after_s:g} s": stuck,
        "finished though still pending": {name for name, row in books.steady.items() if row.status == "pending"},
        "undone though accepted, or done though cancelled": {
            name for name, row in books.steady.items() if row.accepted != (row.saga_state == "done")
        },
    }
    judged = len(books.orders) - len(unfinished) + len(stuck)
    return conclude(Judged(judged, "order", "is done or undone", len(unfinished) - len(stuck)), breaches)
