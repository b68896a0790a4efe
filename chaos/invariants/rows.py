"""Rows of the services' audits, as far as invariants read them: frozen, and refused when a field that is needed is missing."""

from pydantic import BaseModel, ConfigDict

ACCEPTED = frozenset({"confirmed", "awaiting_courier"})
"""The statuses of an order whose customer was told that it comes."""
FINISHED = frozenset({"done", "undone"})
"""The states of a saga that nobody works on any more."""


class Row(BaseModel):
    """One row of an audit. Fields that no invariant reads are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class OrderRow(Row):
    """An order, as orders keeps it; `created_at` is Unix time in seconds, `lines` are pairs of dish id and quantity."""

    id: str
    customer_id: int
    status: str
    saga_state: str
    total_cents: int
    lines: tuple[tuple[int, int], ...]
    deferred: bool
    created_at: float

    @property
    def accepted(self) -> bool:
        """Whether the customer was told that it comes."""
        return self.status in ACCEPTED

    @property
    def finished(self) -> bool:
        """Whether nobody works on it any more."""
        return self.saga_state in FINISHED


class PaymentRow(Row):
    """What payments did for an order."""

    order_id: str
    amount_cents: int
    state: str


class Entry(Row):
    """An amount that an account is debited (positive) or credited (negative)."""

    account: str
    amount_cents: int


class TransactionRow(Row):
    """Entries of the ledger that belong together."""

    id: int | str
    order_id: str
    kind: str
    entries: tuple[Entry, ...]


class Line(Row):
    """A dish and how many of it."""

    dish_id: int
    quantity: int


class ReservationRow(Row):
    """The portions that an order holds, or held."""

    order_id: str
    state: str
    lines: tuple[Line, ...]

    @property
    def portions(self) -> tuple[tuple[int, int], ...]:
        """Pairs of dish id and quantity, as orders has them."""
        return tuple((line.dish_id, line.quantity) for line in self.lines)


class StockRow(Row):
    """Portions of a dish: at first, and still there."""

    dish_id: int
    initial: int
    left: int


class PopularRow(Row):
    """How many portions of a dish the read model says were ordered."""

    dish_id: int
    ordered: int


class DeliveryRow(Row):
    """The courier of an order, as deliveries keeps it."""

    order_id: str
    courier_id: int | str | None
    state: str


class CourierRow(Row):
    """A courier, and how many orders are said to be assigned to them."""

    courier_id: int
    assigned: int


class OutboxRow(Row):
    """An event on its way to one destination, in the order of publishing."""

    event_id: str
    destination: str
    type: str
    key: str
    sent: bool


class InboxRow(Row):
    """An event at a consumer."""

    event_id: str
    type: str
    key: str
    state: str


class NotificationRow(Row):
    """What a customer was told because of an event."""

    event_id: str
    order_id: str
    customer_id: int
