"""Reads the books of a whole system, in the order that lets a running one be judged (chaos/invariants/books.py)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chaos.http_get import FetchError, Get
from chaos.invariants.books import Books
from chaos.invariants.pages import AnyRow, read_table
from chaos.invariants.rows import (
    CourierRow,
    DeliveryRow,
    InboxRow,
    NotificationRow,
    OrderRow,
    OutboxRow,
    PaymentRow,
    PopularRow,
    ReservationRow,
    StockRow,
    TransactionRow,
)
from services.registry import InstanceState
from services.topology import Topology
from testbed.control import SystemStatus

ORDERS, PAYMENTS, RESTAURANTS, DELIVERIES, NOTIFICATIONS = "orders", "payments", "restaurants", "deliveries", "notifications"
KEEPERS = (ORDERS, PAYMENTS, RESTAURANTS, DELIVERIES, NOTIFICATIONS)
"""The services that keep books."""


@dataclass(frozen=True)
class Library:
    """Where the books of one system are.

    Attributes:
        roots: Root of an instance of each service (`http://127.0.0.1:40001`).
        token: The run's internal token.
        get: Does the requests.
        topology: Who publishes and consumes which events.
    """

    roots: Mapping[str, str]
    token: str
    get: Get
    topology: Topology

    def table(self, service: str, table: str, row: type[AnyRow]) -> tuple[AnyRow, ...]:
        """One table, whole. Raises FetchError."""
        if service not in self.roots:
            raise FetchError(f"no instance of {service} is up, so its books cannot be read")
        return read_table(self.roots[service], table, row, self.token, self.get)


def read_books(library: Library, now: Callable[[], float]) -> Books:
    """All books. Raises FetchError when one cannot be read to its end.

    Orders are read first and last. Outboxes are read before inboxes, so that what was sent had arrived; and inboxes before what
    events have done, so that what was handled had had its effect.
    """
    events = library.topology.events
    first_orders = library.table(ORDERS, "", OrderRow)
    first_deliveries = library.table(DELIVERIES, "", DeliveryRow)
    producers = sorted({route.producer for route in events.values()})
    consumers = sorted({consumer for route in events.values() for consumer in route.consumers})
    outbox = {each: library.table(each, "outbox", OutboxRow) for each in producers}
    inbox = {each: library.table(each, "inbox", InboxRow) for each in consumers}
    return Books(
        first_orders=first_orders,
        first_deliveries=first_deliveries,
        outbox=outbox,
        inbox=inbox,
        notifications=library.table(NOTIFICATIONS, "", NotificationRow),
        popular=library.table(RESTAURANTS, "popular", PopularRow),
        payments=library.table(PAYMENTS, "", PaymentRow),
        ledger=library.table(PAYMENTS, "ledger", TransactionRow),
        reservations=library.table(RESTAURANTS, "", ReservationRow),
        stock=library.table(RESTAURANTS, "stock", StockRow),
        couriers=library.table(DELIVERIES, "couriers", CourierRow),
        deliveries=library.table(DELIVERIES, "", DeliveryRow),
        orders=library.table(ORDERS, "", OrderRow),
        consumers={kind: route.consumers for kind, route in events.items()},
        read_at=now(),
    )


def library_of(system: SystemStatus, topology: Topology, token: str, get: Get) -> Library:
    """The books of a running system: of each service an instance that is up and not paused by a fault, if there is one."""
    paused = {lease.instance for lease in system.leases if lease.kind == "pause"}
    up = [each for each in system.instances if each.state is InstanceState.UP and each.port]
    roots = {each.service: each.base_url for each in sorted(up, key=lambda each: each.name not in paused)}
    return Library(roots, token, get, topology)
