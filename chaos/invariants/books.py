"""The books of all services at one moment, and which of their orders were standing still while they were read."""

from collections.abc import Mapping
from functools import cached_property

from pydantic import BaseModel, ConfigDict

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


class Books(BaseModel):
    """What every service says that it holds.

    Services are read one after the other while the system goes on, so that the books of a healthy system differ. So orders are
    read first and again last: an order that was finished at the first reading and is the same at the last has not changed in
    any other book in between. Only such orders are judged.

    Attributes:
        read_at: Unix time of the last reading, seconds.
        first_orders: Orders at the first reading.
        orders: Orders at the last reading: every order that another book may know is among them.
        outbox: By the service that publishes.
        inbox: By the service that consumes.
        consumers: By type of event, who consumes it; from the topology.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    read_at: float
    first_orders: tuple[OrderRow, ...]
    orders: tuple[OrderRow, ...]
    payments: tuple[PaymentRow, ...] = ()
    ledger: tuple[TransactionRow, ...] = ()
    reservations: tuple[ReservationRow, ...] = ()
    stock: tuple[StockRow, ...] = ()
    popular: tuple[PopularRow, ...] = ()
    first_deliveries: tuple[DeliveryRow, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()
    couriers: tuple[CourierRow, ...] = ()
    notifications: tuple[NotificationRow, ...] = ()
    outbox: Mapping[str, tuple[OutboxRow, ...]] = {}
    inbox: Mapping[str, tuple[InboxRow, ...]] = {}
    consumers: Mapping[str, tuple[str, ...]] = {}

    @cached_property
    def order(self) -> Mapping[str, OrderRow]:
        """Orders by id, as at the last reading."""
        return {row.id: row for row in self.orders}

    @cached_property
    def steady(self) -> Mapping[str, OrderRow]:
        """Orders by id that were finished and did not change while the books were read."""
        first = {row.id: row for row in self.first_orders}
        return {row.id: row for row in self.orders if row.finished and first.get(row.id) == row}

    @cached_property
    def moving(self) -> frozenset[str]:
        """Ids of the others, which are too young to judge."""
        return frozenset(self.order.keys() - self.steady.keys())

    @cached_property
    def accepted(self) -> Mapping[str, OrderRow]:
        """Steady orders whose customers were told that they come."""
        return {name: row for name, row in self.steady.items() if row.accepted}
