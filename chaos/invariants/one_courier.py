"""Every accepted order has exactly one courier in the end, and no other order has any."""

from collections import Counter
from dataclasses import dataclass

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding
from chaos.invariants.rows import ACCEPTED

ASSIGNED = "assigned"


@dataclass(frozen=True)
class Outage:
    """When the fault was in force, in Unix seconds."""

    start_at: float
    end_at: float


def one_courier(books: Books, outage: Outage, answered: int) -> InvariantFinding:
    """Compares orders' books with deliveries' books, and both with what customers were told.

    Args:
        books: The books, read after the system had time to catch up.
        outage: Orders created in it are counted apart; the invariant is checked on all.
        answered: Orders that the load was told are placed. Fewer accepted orders than that means that one was lost.
    """
    couriers = Counter(row.order_id for row in books.deliveries if row.state == ASSIGNED)
    accepted = {order.id: order for order in books.orders if order.status in ACCEPTED}
    during = sum(outage.start_at <= order.created_at <= outage.end_at for order in accepted.values())
    numbers = {
        "accepted": len(accepted),
        "accepted_during_outage": during,
        "deferred": sum(order.deferred for order in accepted.values()),
        "without_courier": sum(couriers[order] == 0 for order in accepted),
        "with_several_couriers": sum(couriers[order] > 1 for order in accepted),
        "courier_without_order": sum(order not in accepted for order in couriers),
        "lost": max(0, answered - len(accepted)),
    }
    return InvariantFinding(_holds(numbers), _sentence(numbers), {name: float(value) for name, value in numbers.items()})


_BROKEN = {
    "without_courier": "{} without a courier",
    "with_several_couriers": "{} with several couriers",
    "courier_without_order": "{} couriers bound to an order that was not accepted",
    "lost": "{} missing that customers were told are placed",
}


def _holds(numbers: dict[str, int]) -> bool | None:
    if any(numbers[key] for key in _BROKEN):
        return False
    return True if numbers["accepted"] else None


def _sentence(numbers: dict[str, int]) -> str:
    accepted, during = numbers["accepted"], numbers["accepted_during_outage"]
    broken = [text.format(numbers[key]) for key, text in _BROKEN.items() if numbers[key]]
    if broken:
        return f"of {accepted} accepted orders, {', '.join(broken)}"
    if not accepted:
        return "no order was accepted at all, so there is nothing to check"
    if not during:
        return f"no order was accepted during the outage; each of the {accepted} others has exactly one courier"
    return f"each of the {during} orders accepted during the outage has exactly one courier, as has each of all {accepted}"
