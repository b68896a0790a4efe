"""Nothing is lost or doubled against what customers were told."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude


@dataclass(frozen=True)
class Intent:
    """One order that a customer wanted, under one idempotency key, whatever it took to place it.

    Attributes:
        key: The idempotency key.
        customer_id: Whose it is.
        accepted_ids: Ids that answers of `201` to this key carried; more than one is a doubled order.
        refused: A definite refusal was answered.
    """

    key: str
    customer_id: int
    accepted_ids: frozenset[str] = frozenset()
    refused: bool = False

    @property
    def unknown(self) -> bool:
        """Whether the customer gave up without an answer."""
        return not self.accepted_ids and not self.refused


@dataclass(frozen=True)
class Told:
    """What the only customers of a system asked for, and what they were told.

    Attributes:
        intents: All orders that were wanted.
        cancel_asked: Orders that somebody asked to cancel, whatever was answered.
        cancel_told: Those of them of which was answered that they are cancelled.
    """

    intents: tuple[Intent, ...]
    cancel_asked: frozenset[str] = frozenset()
    cancel_told: frozenset[str] = frozenset()


LOST, LATE = "lost", "coming though cancelled"
DOUBLED, UNASKED = "doubled under one key", "placed though nobody asked"


def promises_kept(books: Books, told: Told) -> InvariantFinding:
    """Compares the orders in the books with what was promised.

    A customer's orders beyond what was promised are explained by keys whose answer never arrived, each by one; what is not
    explained was placed though nobody asked for it.
    """
    promised = {name for intent in told.intents for name in intent.accepted_ids}
    kept = {name for name in promised if name in books.order and books.order[name].accepted}
    excused = {name for name in promised & told.cancel_asked if name in books.order}
    breaches = {
        LOST: promised - kept - excused,
        LATE: {name for name in told.cancel_told if name in books.order and books.order[name].accepted},
        DOUBLED: {name for each in told.intents if len(each.accepted_ids) > 1 for name in each.accepted_ids},
        UNASKED: _unexplained(books, told.intents, promised),
        "accepted and refused under one key": {
            name for each in told.intents if each.refused for name in each.accepted_ids - told.cancel_asked
        },
    }
    numbers = {
        "accepted": len(kept),
        "refused": sum(each.refused for each in told.intents),
        "unknown": sum(each.unknown for each in told.intents),
        "cancelled": len(told.cancel_told),
    }
    judged = Judged(len(promised), "promised order", "is there, once", len(promised & books.moving))
    return conclude(judged, breaches, numbers)


def _unexplained(books: Books, intents: tuple[Intent, ...], promised: set[str]) -> set[str]:
    """Accepted orders that no answer told of, of customers who have more of those than keys without an answer."""
    unanswered = Counter(each.customer_id for each in intents if each.unknown)
    untold: defaultdict[int, set[str]] = defaultdict(set)
    for row in books.orders:
        if row.accepted and row.id not in promised:
            untold[row.customer_id].add(row.id)
    return {name for customer, names in untold.items() if len(names) > unanswered[customer] for name in names}
