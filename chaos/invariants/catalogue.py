"""All invariants that hold between the services' books, in the order in which they are told."""

from collections.abc import Callable, Mapping

from chaos.invariants.books import Books
from chaos.invariants.captured_once import captured_once
from chaos.invariants.couriers_bound import couriers_bound
from chaos.invariants.events_once import events_once
from chaos.invariants.finding import InvariantFinding
from chaos.invariants.ledger_balanced import ledger_balanced
from chaos.invariants.money_accounted import money_accounted
from chaos.invariants.popular_counted import popular_counted
from chaos.invariants.portions_conserved import portions_conserved
from chaos.invariants.sagas_finished import sagas_finished
from chaos.invariants.told_once import told_once

INVARIANTS: Mapping[str, Callable[[Books], InvariantFinding]] = {
    "captured once": captured_once,
    "money accounted": money_accounted,
    "ledger balanced": ledger_balanced,
    "portions conserved": portions_conserved,
    "couriers bound": couriers_bound,
    "events once": events_once,
    "told once": told_once,
    "popular counted": popular_counted,
    "sagas finished": sagas_finished,
}


def judge(books: Books) -> dict[str, InvariantFinding]:
    """The finding of every invariant by its name."""
    return {name: invariant(books) for name, invariant in INVARIANTS.items()}
