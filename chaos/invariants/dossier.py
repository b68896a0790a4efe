"""Everything that the books say about one order, for whoever has to find out what happened to it."""

from collections.abc import Iterable

from chaos.invariants.books import Books
from chaos.invariants.rows import Row

Rows = dict[str, list[dict[str, object]]]


def dossier(books: Books, order_id: str) -> Rows:
    """Rows by table; tables that know nothing of the order are left out."""
    tables: dict[str, Iterable[tuple[str, Row]]] = {
        "orders at first": ((row.id, row) for row in books.first_orders),
        "orders": ((row.id, row) for row in books.orders),
        "payments": ((row.order_id, row) for row in books.payments),
        "ledger": ((row.order_id, row) for row in books.ledger),
        "reservations": ((row.order_id, row) for row in books.reservations),
        "deliveries": ((row.order_id, row) for row in books.deliveries),
        "notifications": ((row.order_id, row) for row in books.notifications),
        **{f"outbox of {name}": ((row.key, row) for row in rows) for name, rows in books.outbox.items()},
        **{f"inbox of {name}": ((row.key, row) for row in rows) for name, rows in books.inbox.items()},
    }
    found = {name: [row.model_dump(mode="json") for key, row in rows if key == order_id] for name, rows in tables.items()}
    return {name: rows for name, rows in found.items() if rows}
