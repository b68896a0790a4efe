"""Every accepted order has or will have exactly one courier, no other order has any, and couriers carry what is theirs."""

from collections import Counter

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude
from chaos.invariants.postings import Fate, postings

ASSIGNED = "assigned"
AWAITING = "awaiting_courier"
WANTED_EVENT = "order.courier_wanted"


def couriers_bound(books: Books) -> InvariantFinding:
    """Compares orders with assignments, and assignments with the couriers' loads.

    An order that awaits its courier will have one as long as the event that asks for one is still on its way.
    """
    bound = [row for row in books.deliveries if row.state == ASSIGNED]
    couriers = Counter(row.order_id for row in bound)
    asking = {each.row.key for each in postings(books) if each.row.type == WANTED_EVENT and each.fate is Fate.WAITING}
    # The event may have been handled after deliveries was read for the first time, so the last reading counts.
    awaiting = {name for name, row in books.accepted.items() if row.status == AWAITING and not couriers[name] and name in asking}
    breaches = {
        "without a courier": {name for name in books.accepted if not couriers[name]} - awaiting,
        "with several couriers": {name for name in books.accepted if couriers[name] > 1},
        "couriers bound to an order that was not accepted": couriers.keys() - books.accepted.keys() - books.moving,
        "couriers whose load is not what they bring": _misloaded(books),
    }
    holding = "has exactly one courier" + (f", {len(awaiting)} of them will have" if awaiting else "")
    judged = Judged(len(books.accepted), "accepted order", holding, len(books.moving))
    return conclude(judged, breaches, {"awaiting": float(len(awaiting)), "couriers": float(len(books.couriers))})


def _misloaded(books: Books) -> set[str]:
    """Couriers whose assignments stood still while the books were read, and whose load is another."""
    changed = set(books.first_deliveries) ^ set(books.deliveries)
    moved = {row for row in (*books.first_deliveries, *books.deliveries) if row.order_id in books.moving}
    restless = {row.courier_id for row in changed | moved}
    loads = Counter(row.courier_id for row in books.deliveries if row.state == ASSIGNED)
    return {
        str(row.courier_id) for row in books.couriers if row.courier_id not in restless and row.assigned != loads[row.courier_id]
    }
