"""Books of a small day: an order that went well, one whose courier came later, and one that was undone."""

from dataclasses import dataclass

import pytest

from chaos.invariants.books import Books
from chaos.invariants.rows import (
    CourierRow,
    DeliveryRow,
    Entry,
    InboxRow,
    Line,
    NotificationRow,
    OrderRow,
    OutboxRow,
    PaymentRow,
    PopularRow,
    ReservationRow,
    StockRow,
    TransactionRow,
)

AT = 1_795_000_000.0
GOOD, LATE, UNDONE = "good", "late", "undone"
LINES = {GOOD: ((101, 2), (102, 1)), LATE: ((101, 1),), UNDONE: ((102, 3),)}
TOTALS = {GOOD: 3_000, LATE: 1_000, UNDONE: 4_500}
CONSUMERS = {
    "order.accepted": ("notifications", "restaurants"),
    "order.confirmed": ("notifications",),
    "order.cancelled": ("notifications", "restaurants"),
    "order.courier_wanted": ("deliveries",),
    "courier.assigned": ("orders",),
}
EVENTS = (
    ("orders", "order.accepted", GOOD),
    ("orders", "order.accepted", LATE),
    ("orders", "order.courier_wanted", LATE),
    ("deliveries", "courier.assigned", LATE),
    ("orders", "order.confirmed", LATE),
    ("orders", "order.cancelled", UNDONE),
)


def order(name: str, status: str = "confirmed", saga_state: str = "done", *, deferred: bool = False) -> OrderRow:
    return OrderRow(
        id=name, customer_id=7, status=status, saga_state=saga_state, total_cents=TOTALS[name], lines=LINES[name],
        deferred=deferred, created_at=AT - 100,
    )  # fmt: skip


def portions(name: str) -> tuple[Line, ...]:
    return tuple(Line(dish_id=dish, quantity=quantity) for dish, quantity in LINES[name])


def transaction(number: int, name: str, kind: str) -> TransactionRow:
    accounts = {
        "authorise": ("holds", "customer:7"), "capture": ("merchant", "holds"), "void": ("customer:7", "holds"),
        "refund": ("customer:7", "merchant"),
    }[kind]  # fmt: skip
    entries = tuple(Entry(account=a, amount_cents=s * TOTALS[name]) for a, s in zip(accounts, (1, -1), strict=True))
    return TransactionRow(id=number, order_id=name, kind=kind, entries=entries)


def posted() -> tuple[dict[str, tuple[OutboxRow, ...]], dict[str, tuple[InboxRow, ...]]]:
    outbox: dict[str, list[OutboxRow]] = {"orders": [], "deliveries": []}
    inbox: dict[str, list[InboxRow]] = {each: [] for each in ("orders", "deliveries", "notifications", "restaurants")}
    for number, (producer, kind, key) in enumerate(EVENTS):
        for consumer in CONSUMERS[kind]:
            row = OutboxRow(event_id=f"e{number}", destination=consumer, type=kind, key=key, sent=True)
            outbox[producer].append(row)
            inbox[consumer].append(InboxRow(event_id=f"e{number}", type=kind, key=key, state="handled"))
    return {k: tuple(v) for k, v in outbox.items()}, {k: tuple(v) for k, v in inbox.items()}


def whole_books() -> Books:
    orders = (order(GOOD), order(LATE, deferred=True), order(UNDONE, "cancelled", "undone"))
    kinds = (
        (GOOD, "authorise"),
        (GOOD, "capture"),
        (LATE, "authorise"),
        (LATE, "capture"),
        (UNDONE, "authorise"),
        (UNDONE, "void"),
    )
    deliveries = (
        DeliveryRow(order_id=GOOD, courier_id=1, state="assigned"),
        DeliveryRow(order_id=LATE, courier_id=2, state="assigned"),
        DeliveryRow(order_id=UNDONE, courier_id=1, state="withdrawn"),
    )
    outbox, inbox = posted()
    return Books(
        read_at=AT,
        first_orders=orders,
        orders=orders,
        payments=tuple(
            PaymentRow(order_id=name, amount_cents=TOTALS[name], state=state)
            for name, state in ((GOOD, "captured"), (LATE, "captured"), (UNDONE, "voided"))
        ),
        ledger=tuple(transaction(number, *each) for number, each in enumerate(kinds, 1)),
        reservations=tuple(
            ReservationRow(order_id=name, state="released" if name == UNDONE else "reserved", lines=portions(name))
            for name in LINES
        ),
        stock=(StockRow(dish_id=101, initial=10, left=7), StockRow(dish_id=102, initial=10, left=9)),
        popular=(PopularRow(dish_id=101, ordered=3), PopularRow(dish_id=102, ordered=1)),
        first_deliveries=deliveries,
        deliveries=deliveries,
        couriers=(
            CourierRow(courier_id=1, assigned=1),
            CourierRow(courier_id=2, assigned=1),
            CourierRow(courier_id=3, assigned=0),
        ),
        notifications=tuple(
            NotificationRow(event_id=row.event_id, order_id=row.key, customer_id=7) for row in inbox["notifications"]
        ),
        outbox=outbox,
        inbox=inbox,
        consumers=CONSUMERS,
    )


@dataclass
class Ledgers:
    """Books that a test spoils, one row at a time."""

    books: Books

    def change(self, table: str, position: int, **values: object) -> "Ledgers":
        """One row is another."""
        rows = list(getattr(self.books, table))
        rows[position] = rows[position].model_copy(update=values)
        return self._with(table, tuple(rows))

    def drop(self, table: str, position: int) -> "Ledgers":
        """One row is missing."""
        rows = list(getattr(self.books, table))
        del rows[position]
        return self._with(table, tuple(rows))

    def add(self, table: str, row: object) -> "Ledgers":
        """There is one row more."""
        return self._with(table, (*getattr(self.books, table), row))

    def change_order(self, position: int, **values: object) -> "Ledgers":
        """An order is, and was all the time, another."""
        return self.change("first_orders", position, **values).change("orders", position, **values)

    def change_posted(self, box: str, service: str, position: int, **values: object) -> "Ledgers":
        """An event is another on one side."""
        boxes = dict(getattr(self.books, box))
        rows = list(boxes[service])
        rows[position] = rows[position].model_copy(update=values)
        return self._with(box, boxes | {service: tuple(rows)})

    def add_posted(self, box: str, service: str, row: object) -> "Ledgers":
        """There is one event more on one side."""
        boxes = dict(getattr(self.books, box))
        return self._with(box, boxes | {service: (*boxes[service], row)})

    def drop_posted(self, box: str, service: str, position: int) -> "Ledgers":
        """An event is missing on one side."""
        boxes = dict(getattr(self.books, box))
        rows = [row for number, row in enumerate(boxes[service]) if number != position]
        return self._with(box, boxes | {service: tuple(rows)})

    def _with(self, table: str, value: object) -> "Ledgers":
        return Ledgers(Books(**{name: getattr(self.books, name) for name in Books.model_fields} | {table: value}))


@pytest.fixture
def whole() -> Ledgers:
    """Books in which every invariant holds."""
    return Ledgers(whole_books())
