"""Where notifications are kept: one an event, and the latest of each customer."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.events.tables import EventTables
from services.kit.rows import insert_new
from services.notifications.schemas import NotificationAudit, NotificationOut

KEPT = 500
"""Notifications a customer, the latest; ten times what an inbox shows."""
metadata = MetaData()
event_tables = EventTables(metadata)
notifications = Table(
    "notifications",
    metadata,
    Column("event_id", String(36), primary_key=True),
    Column("order_id", String(36), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("customer_id", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("notifications_of_customer", "customer_id", "created_at"),
)

# Made once: to make a statement costs several times what it costs to execute.
_TOLD = select(notifications).where(notifications.c.customer_id == bindparam("customer_id_"))
_NEWEST_FIRST = _TOLD.order_by(notifications.c.created_at.desc(), notifications.c.event_id)
_LATEST = _NEWEST_FIRST.limit(bindparam("limit_", type_=Integer))
_BEYOND = _NEWEST_FIRST.with_only_columns(notifications.c.event_id).offset(bindparam("kept_", type_=Integer))
_FORGET = delete(notifications).where(notifications.c.event_id.in_(_BEYOND))


@dataclass(frozen=True)
class Notification:
    """What a customer is told because of an event.

    Attributes:
        event_id: Of the event, so that it is told once.
        order_id: What it is about.
        kind: The state that the order is in, for programs.
        customer_id: Whom to tell.
        text: For the customer.
        created_at: Unix time in seconds at which it happened, which is not when the event arrived.
    """

    event_id: str
    order_id: str
    kind: str
    customer_id: int
    text: str
    created_at: float


class NotificationStore:
    """Notifications by customer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, customer_id: int, limit: int) -> list[NotificationOut]:
        """A customer's notifications, newest first."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_LATEST, {"customer_id_": customer_id, "limit_": limit})).all()
        return [NotificationOut(order_id=r.order_id, kind=r.kind, text=r.text, created_at=r.created_at) for r in rows]

    async def page(self, after: str, limit: int) -> list[NotificationAudit]:
        """Notifications by event id, above `after`."""
        query = select(notifications).where(notifications.c.event_id > after).order_by(notifications.c.event_id).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [NotificationAudit(event_id=r.event_id, order_id=r.order_id, customer_id=r.customer_id, kind=r.kind) for r in rows]


async def keep(connection: AsyncConnection, notification: Notification) -> None:
    """Adds a notification in the caller's transaction, once an event, and forgets the customer's oldest beyond KEPT."""
    if await insert_new(connection, notifications, vars(notification)):
        await connection.execute(_FORGET, {"customer_id_": notification.customer_id, "kept_": KEPT})
