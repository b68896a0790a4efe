"""The read model of popular dishes counts what was ordered: each accepted order once, and no other."""

from collections import Counter

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude
from chaos.invariants.postings import caught_up

RESTAURANTS = "restaurants"


def popular_counted(books: Books) -> InvariantFinding:
    """Adds up the accepted orders of every dish whose orders' events are all handled."""
    ready = caught_up(books, RESTAURANTS)
    restless = {dish for name, order in books.order.items() if name not in ready for dish, _ in order.lines}
    counted = {row.dish_id: row.ordered for row in books.popular}
    ordered: Counter[int] = Counter()
    for order in books.accepted.values():
        for dish, quantity in order.lines:
            ordered[dish] += quantity
    judged = (ordered.keys() | counted.keys()) - restless
    breaches = {
        "counted too low": {str(dish) for dish in judged if counted.get(dish, 0) < ordered[dish]},
        "counted too high": {str(dish) for dish in judged if counted.get(dish, 0) > ordered[dish]},
    }
    young = len((ordered.keys() | counted.keys()) & restless)
    return conclude(Judged(len(judged), "ordered dish", "is counted as often as it was ordered", young), breaches)
