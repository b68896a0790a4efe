"""Where notifications are kept: one of each kind an order, however often the event arrives."""

import time

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, and_, insert, select

from services.kit.database import Database
from services.notifications.schemas import NotificationOut

_metadata = MetaData()
_notifications = Table(
    "notifications",
    _metadata,
    Column("order_id", String(36), primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("customer_id", Integer, nullable=False, index=True),
    Column("text", String(500), nullable=False),
    Column("created_at", Float, nullable=False),
)


class NotificationStore:
    """Notifications by customer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the table."""
        await self._database.create(_metadata)

    async def add(self, order_id: str, kind: str, customer_id: int, text: str) -> None:
        """Keeps a notification unless it is known."""
        known = and_(_notifications.c.order_id == order_id, _notifications.c.kind == kind)
        async with self._database.write() as connection:
            if (await connection.execute(select(_notifications.c.kind).where(known))).first() is None:
                await connection.execute(
                    insert(_notifications).values(
                        order_id=order_id, kind=kind, customer_id=customer_id, text=text, created_at=time.time()
                    )
                )

    async def latest(self, customer_id: int, limit: int) -> list[NotificationOut]:
        """A customer's notifications, newest first."""
        query = select(_notifications).where(_notifications.c.customer_id == customer_id)
        newest = query.order_by(_notifications.c.created_at.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(newest)).all()
        return [NotificationOut(order_id=r.order_id, kind=r.kind, text=r.text, created_at=r.created_at) for r in rows]
