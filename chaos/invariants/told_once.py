"""Customers were told of every event once: a handled event made one notification, and nothing else made one."""

from collections import Counter

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude
from chaos.invariants.postings import HANDLED, KEPT_S, caught_up

NOTIFICATIONS = "notifications"
KEPT = 500
"""Notifications that are kept of each customer; of who has so many, the oldest are not missed."""


def told_once(books: Books) -> InvariantFinding:
    """Compares the notifications with the events that notifications has handled."""
    told = Counter(row.event_id for row in books.notifications)
    handled = {row.event_id: row.key for row in books.inbox.get(NOTIFICATIONS, ()) if row.state == HANDLED}
    counts = Counter(row.customer_id for row in books.notifications)
    forgetful = {row.id for row in books.orders if counts[row.customer_id] >= KEPT}
    judged = {event for event, key in handled.items() if key not in forgetful and key not in books.moving}
    fresh = {name for name in caught_up(books, NOTIFICATIONS) if books.order[name].created_at > books.read_at - KEPT_S}
    breaches = {
        "that nobody was told of": judged - told.keys(),
        "told more than once": {event for event, count in told.items() if count > 1},
        "told though not handled": {
            row.event_id for row in books.notifications if row.order_id in fresh and row.event_id not in handled
        },
        "told of an order that does not exist": {row.order_id for row in books.notifications} - books.order.keys(),
    }
    numbers = {"notifications": float(len(books.notifications))}
    return conclude(Judged(len(judged), "customer event", "made one notification", len(books.moving)), breaches, numbers)
