"""The services' books after a scenario."""

import json
from collections.abc import Sequence
from functools import cache

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
    Row,
    StockRow,
    TransactionRow,
)
from tests.chaos.experiment.scenarios import Scenario, visits_of

PRICE_CENTS, DISH, COURIER = 1_000, 101, 7


def books(scenario: Scenario) -> Books:
    """Of orders for one portion of one dish each, all brought by one courier."""
    placed = [visit for visit in visits_of(scenario) if visit.name == "order" and visit.fate.ok]
    orders = tuple(
        OrderRow(
            id=f"{v.number}", customer_id=v.number, status="confirmed", saga_state="done", total_cents=PRICE_CENTS,
            lines=((DISH, 1),), deferred=v.fate.degraded, created_at=scenario.started_at + v.instant_s,
        )
        for v in placed
    )  # fmt: skip
    names = [order.id for order in orders]
    couriers = tuple(
        DeliveryRow(order_id=name, courier_id=COURIER, state="assigned") for name in names[scenario.without_courier :]
    )
    kind, consumers = "order.accepted", ("notifications", "restaurants")
    steps = (("authorise", "holds", "customer:1"), ("capture", "merchant", "holds"))
    inbox = tuple(InboxRow(event_id=f"e{name}", type=kind, key=name, state="handled") for name in names)
    return Books(
        read_at=scenario.started_at + scenario.marks_s[-1],
        first_orders=orders,
        orders=orders,
        payments=tuple(PaymentRow(order_id=name, amount_cents=PRICE_CENTS, state="captured") for name in names),
        ledger=tuple(
            TransactionRow(
                id=f"{name} {step}", order_id=name, kind=step,
                entries=(Entry(account=debited, amount_cents=PRICE_CENTS), Entry(account=credited, amount_cents=-PRICE_CENTS)),
            )
            for name in names
            for step, debited, credited in steps
        ),
        reservations=tuple(
            ReservationRow(order_id=name, state="reserved", lines=(Line(dish_id=DISH, quantity=1),)) for name in names
        ),
        stock=(StockRow(dish_id=DISH, initial=10_000, left=10_000 - len(names)),),
        popular=(PopularRow(dish_id=DISH, ordered=len(names)),),
        first_deliveries=couriers,
        deliveries=couriers,
        couriers=(CourierRow(courier_id=COURIER, assigned=len(couriers)),),
        notifications=tuple(NotificationRow(event_id=f"e{n}", order_id=n, customer_id=int(n)) for n in names),
        outbox={
            "orders": tuple(
                OutboxRow(event_id=f"e{name}", destination=each, type=kind, key=name, sent=True)
                for name in names
                for each in consumers
            )
        },
        inbox=dict.fromkeys(consumers, inbox),
        consumers={kind: consumers},
    )  # fmt: skip


def table_of(book: Books, service: str, table: str) -> Sequence[Row]:
    """What a service's audit tells."""
    tables: dict[tuple[str, str], Sequence[Row]] = {
        ("orders", ""): book.orders,
        ("payments", ""): book.payments,
        ("payments", "ledger"): book.ledger,
        ("restaurants", ""): book.reservations,
        ("restaurants", "stock"): book.stock,
        ("restaurants", "popular"): book.popular,
        ("deliveries", ""): book.deliveries,
        ("deliveries", "couriers"): book.couriers,
        ("notifications", ""): book.notifications,
    }
    if table in ("outbox", "inbox"):
        return (book.outbox if table == "outbox" else book.inbox).get(service, ())
    return tables[service, table]


_books = cache(books)


@cache
def page_of(scenario: Scenario, service: str, table: str) -> bytes:
    """The same on the wire, all on one page."""
    rows = table_of(_books(scenario), service, table)
    return json.dumps({"rows": [row.model_dump() for row in rows], "next": None}).encode()
