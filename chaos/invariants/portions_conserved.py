"""Portions are conserved: what a dish had is what is left and what is reserved, and the accepted orders are what is reserved."""

from collections import Counter
from collections.abc import Iterable

from chaos.invariants.books import Books
from chaos.invariants.finding import InvariantFinding, Judged, conclude

RESERVED = "reserved"


def portions_conserved(books: Books) -> InvariantFinding:
    """Adds up the reservations of every dish that no moving order has, and compares them with stock and with orders."""
    held = {row.order_id: row for row in books.reservations if row.state == RESERVED and row.order_id not in books.moving}
    reserved = _sum(line for row in held.values() for line in row.portions)
    restless = {dish for name in books.moving for dish, _ in books.order[name].lines}
    judged = [row for row in books.stock if row.dish_id not in restless]
    wrong = {str(row.dish_id) for row in judged if row.initial != row.left + reserved[row.dish_id]}
    breaches = {
        "with portions that went missing or came from nowhere": wrong,
        "with fewer than no portions left": {str(row.dish_id) for row in books.stock if row.left < 0},
        "reserved without being known": {str(dish) for dish in reserved.keys() - {row.dish_id for row in books.stock}},
        "accepted orders without their portions": {
            name for name, order in books.accepted.items() if name not in held or _sum(order.lines) != _sum(held[name].portions)
        },
        "reservations of an order that was not accepted": held.keys() - books.accepted.keys(),
    }
    numbers = {"reserved_portions": float(reserved.total()), "reservations": float(len(held))}
    return conclude(
        Judged(len(judged), "dish", "has all its portions, left or reserved", len(books.stock) - len(judged)), breaches, numbers
    )


def _sum(lines: Iterable[tuple[int, int]]) -> Counter[int]:
    portions: Counter[int] = Counter()
    for dish, quantity in lines:
        portions[dish] += quantity
    return portions
