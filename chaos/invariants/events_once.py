"""Every event was handled exactly once in effect by each of its consumers, or waits, or is kept as a dead letter."""

from collections import Counter

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude
from chaos.invariants.postings import DEAD, HANDLED, KEPT_S, Fate, postings

ACCEPTED_EVENT = "order.accepted"


def events_once(books: Books) -> InvariantFinding:
    """Compares outboxes with inboxes, both ways. What events did is for `told_once`, `popular_counted` and `couriers_bound`."""
    judged = [each for each in postings(books) if each.row.key not in books.moving]
    fates = Counter(each.fate for each in judged)
    handled = [row for rows in books.inbox.values() for row in rows if row.state == HANDLED]
    known = {row.event_id for rows in books.outbox.values() for row in rows}
    copies = Counter((each.row.key, each.row.type, each.consumer) for each in judged)
    recent = {name for name, order in books.steady.items() if order.created_at > books.read_at - KEPT_S}
    announced = {each.row.key for each in judged if each.row.type == ACCEPTED_EVENT}
    breaches = {
        "sent and never handled": {each.row.event_id for each in judged if each.fate is Fate.LOST},
        "handled though never published": {row.event_id for row in handled if row.key in recent and row.event_id not in known},
        "of an order that does not exist": {each.row.event_id for each in judged if each.row.key not in books.order}
        | {row.event_id for row in handled if row.key not in books.order},
        "published more than once of one order": {key for (key, _, _), count in copies.items() if count > 1},
        "accepted orders that nobody was told of": {name for name in books.accepted if name in recent and name not in announced},
    }
    # Whatever its key: what could not even be read has none.
    waiting, dead = fates[Fate.WAITING], sum(row.state == DEAD for rows in books.inbox.values() for row in rows)
    aside = [f"{count} {what}" for count, what in ((waiting, "still waiting"), (dead, "dead letters")) if count]
    holding = "was handled exactly once" + (f", but for {' and '.join(aside)}" if aside else "")
    return conclude(
        Judged(len(judged), "addressed event", holding, len(books.moving)), breaches, {"waiting": waiting, "dead": dead}
    )
