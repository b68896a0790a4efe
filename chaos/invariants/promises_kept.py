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
        cancelled: The customer asked to cancel it, whatever was answered.
    """

    key: str
    customer_id: int
    accepted_ids: frozenset[str] = frozenset()
    refused: bool = False
    cancelled: bool = False

    @property
    def unknown(self) -> bool:
        """Whether the customer gave up without an answer."""
        return not self.accepted_ids and not self.refused


def promises_kept(books: Books, intents: tuple[Intent, ...]) -> InvariantFinding:
    """Compares the orders in the books with what the only customers of a system asked for and were answered.

    Args:
        books: The books.
        intents: All that was asked for. A customer's orders beyond what was promised are explained by keys whose answer never
            arrived or that were cancelled, each by one; what is not explained is doubled.
    """
    promised = {name: intent for intent in intents for name in intent.accepted_ids}
    kept = {name for name in promised if name in books.order and books.order[name].accepted}
    excused = {name for name, intent in promised.items() if intent.cancelled and name in books.order}
    breaches = {
        "lost": promised.keys() - kept - excused,
        "doubled under one key": {name for each in intents if len(each.accepted_ids) > 1 for name in each.accepted_ids},
        "placed though nobody asked": _unexplained(books, intents, frozenset(promised)),
    }
    numbers = {
        "accepted": len(kept), "refused": sum(each.refused for each in intents), "unknown": sum(each.unknown for each in intents)
    }  # fmt: skip
    judged = Judged(len(promised), "promised order", "is there, once", len(promised.keys() & books.moving))
    return conclude(judged, breaches, numbers)


def _unexplained(books: Books, intents: tuple[Intent, ...], promised: frozenset[str]) -> set[str]:
    """Accepted orders that no answer told of, of customers who have more of those than keys without an answer."""
    unanswered = Counter(each.customer_id for each in intents if each.unknown)
    untold: defaultdict[int, set[str]] = defaultdict(set)
    for row in books.orders:
        if row.accepted and row.id not in promised:
            untold[row.customer_id].add(row.id)
    return {name for customer, names in untold.items() if len(names) > unanswered[customer] for name in names}
