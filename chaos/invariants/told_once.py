"""Customers were told of every event once: a handled event made one notification, and nothing else made one."""

from collections import Counter

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude
from chaos.invariants.postings import HANDLED, KEPT_S, caught_up

NOTIFICATIONS = "notifications"


def told_once(books: Books) -> InvariantFinding:
    """Counts the notifications of each order and the events of it that notifications handled."""
    fresh = books.read_at - KEPT_S  # Inboxes forget, notifications do not.
    judged = {name for name in caught_up(books, NOTIFICATIONS) if books.order[name].created_at > fresh}
    told = Counter(row.order_id for row in books.notifications)
    handled = Counter(row.key for row in books.inbox.get(NOTIFICATIONS, ()) if row.state == HANDLED)
    breaches = {
        "told of fewer events than happened": {name for name in judged if told[name] < handled[name]},
        "told of more events than happened": {name for name in judged if told[name] > handled[name]},
        "notifications of an order that does not exist": told.keys() - books.order.keys(),
    }
    young = len(books.orders) - len(judged)
    return conclude(Judged(len(judged), "order", "has one notification an event", young), breaches, {"told": told.total()})
