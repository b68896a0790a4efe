"""Where notifications are kept: one an event, and the latest of each customer."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, MetaData, Select, String, Table, Text, delete, select
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
            rows = (await connection.execute(_newest_first(customer_id).limit(limit))).all()
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
        beyond = _newest_first(notification.customer_id).with_only_columns(notifications.c.event_id).offset(KEPT)
        await connection.execute(delete(notifications).where(notifications.c.event_id.in_(beyond)))


def _newest_first(customer_id: int) -> Select[tuple[Any, ...]]:
    told = select(notifications).where(notifications.c.customer_id == customer_id)
    return told.order_by(notifications.c.created_at.desc(), notifications.c.event_id)
