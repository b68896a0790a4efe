"""Where orders are kept. Every change of a status names the status that it expects: a late writer changes nothing."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.events.outbox import Outbox
from services.orders.domain import ABANDONED_AFTER_S, Line, Order, OrderStatus, may_become

metadata = MetaData()
outbox = Outbox(metadata)
_orders = Table(
    "orders",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("customer_id", Integer, nullable=False),
    Column("idempotency_key", String(100), nullable=False),
    Column("restaurant_id", Integer, nullable=False),
    Column("lines", Text, nullable=False),
    Column("total_cents", Integer, nullable=False),
    Column("status", String(20), nullable=False, index=True),
    Column("deferred", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("customer_id", "idempotency_key"),
)


@dataclass(frozen=True)
class Note:
    """A message to be written with a change."""

    topic: str
    payload: Mapping[str, str]


class OrderStore:
    """Orders by id, with the outbox beside them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the tables."""
        await self._database.create(metadata)

    async def add(self, order: Order, idempotency_key: str) -> Order:
        """Keeps a pending order. With a key that this customer used before: that order instead."""
        used = and_(_orders.c.customer_id == order.customer_id, _orders.c.idempotency_key == idempotency_key)
        async with self._database.write() as connection:
            row = (await connection.execute(select(_orders).where(used))).first()
            if row:
                return _order(row)
            await connection.execute(insert(_orders).values(_values(order) | {"idempotency_key": idempotency_key}))
            return order

    async def find(self, order_id: str) -> Order | None:
        """One order."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(_orders).where(_orders.c.id == order_id))).first()
        return _order(row) if row else None

    async def change(self, order: Order, new: OrderStatus, notes: list[Note]) -> bool:
        """Moves an order from the status it has in `order`, with its messages. False, and nothing done, if it moved meanwhile."""
        async with self._database.write() as connection:
            if not await change_status(connection, order.id, order.status, new):
                return False
            for note in notes:
                await outbox.put(connection, note.topic, order.id, note.payload)
        return True

    async def abandoned(self, limit: int) -> list[Order]:
        """Pending orders that nobody works on any more."""
        old = and_(_orders.c.status == OrderStatus.PENDING, _orders.c.created_at < time.time() - ABANDONED_AFTER_S)
        async with self._database.read() as connection:
            return [_order(row) for row in (await connection.execute(select(_orders).where(old).limit(limit))).all()]

    async def page(self, after: str, limit: int) -> list[Order]:
        """Orders by id, above `after`."""
        query = select(_orders).where(_orders.c.id > after).order_by(_orders.c.id).limit(limit)
        async with self._database.read() as connection:
            return [_order(row) for row in (await connection.execute(query)).all()]


async def change_status(connection: AsyncConnection, order_id: str, old: OrderStatus, new: OrderStatus) -> bool:
    """Moves an order from `old` to `new` if it still is `old`."""
    if not may_become(old, new):
        raise ValueError(f"an order never goes from {old} to {new}")
    still = and_(_orders.c.id == order_id, _orders.c.status == old)
    values: dict[str, object] = {"status": new}
    if new is OrderStatus.AWAITING_COURIER:
        values["deferred"] = True
    return (await connection.execute(update(_orders).where(still).values(values))).rowcount == 1


def _values(order: Order) -> dict[str, object]:
    lines = json.dumps([[line.dish_id, line.quantity] for line in order.lines])
    return {
        "id": order.id,
        "customer_id": order.customer_id,
        "restaurant_id": order.restaurant_id,
        "lines": lines,
        "total_cents": order.total_cents,
        "status": order.status,
        "deferred": order.deferred,
        "created_at": order.created_at,
    }


def _order(row: Row[tuple[object, ...]]) -> Order:
    lines = tuple(Line(dish_id, quantity) for dish_id, quantity in json.loads(row.lines))
    return Order(
        row.id, row.customer_id, row.restaurant_id, lines, row.total_cents, OrderStatus(row.status), row.deferred, row.created_at
    )
