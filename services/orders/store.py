"""Where orders are kept. Every change of a status names the status that it expects: a late writer changes nothing."""

import json

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.events.tables import EventTables
from services.kit.rows import insert_new
from services.kit.saga.log import SagaLog, SagaTables
from services.kit.saga.record import FencedError, Saga
from services.kit.uncut import whole
from services.orders.domain import Failure, Line, Order, OrderStatus, may_become

MAX_DETAIL = 500
metadata = MetaData()
event_tables = EventTables(metadata)
saga_tables = SagaTables(metadata)
orders = Table(
    "orders",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("idempotency_key", String(100), nullable=False),
    Column("restaurant_id", Integer, nullable=False),
    Column("lines", Text, nullable=False),
    Column("total_cents", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("deferred", Boolean, nullable=False),
    Column("failure_status", Integer),
    Column("failure_detail", String(MAX_DETAIL)),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("customer_id", "idempotency_key"),
    Index("ix_orders_customer_created", "customer_id", "created_at", "id"),
)
# Made once: to make a statement costs several times what it costs to execute.
_FIND = select(orders).where(orders.c.id == bindparam("id_"))
_FIND_BY_KEY = select(orders).where(
    and_(orders.c.customer_id == bindparam("customer_id_"), orders.c.idempotency_key == bindparam("key_"))
)
_CHANGE = update(orders).where(orders.c.id == bindparam("id_"))
_CHANGE_FROM = _CHANGE.where(orders.c.status == bindparam("old_"))
_AWAITING = select(orders.c.customer_id, orders.c.status).where(orders.c.id == bindparam("id_")).with_for_update()


class OrderStore:
    """Orders by id and by customer, with their sagas and events beside them."""

    def __init__(self, database: Database, sagas: SagaLog) -> None:
        self._database = database
        self._sagas = sagas

    @whole
    async def begin(self, order: Order, idempotency_key: str, deadline_at: float) -> tuple[Order, Saga | None]:
        """Keeps a pending order and opens its saga. With a key that this customer used before: that order, and no saga."""
        async with self._database.write() as connection:
            if await insert_new(connection, orders, _values(order) | {"idempotency_key": idempotency_key}):
                return order, await self._sagas.begin(connection, order.id, deadline_at)
            used = {"customer_id_": order.customer_id, "key_": idempotency_key}
            row = (await connection.execute(_FIND_BY_KEY, used)).one()
            return _order(row), None

    async def find(self, order_id: str) -> Order | None:
        """One order."""
        async with self._database.read() as connection:
            row = (await connection.execute(_FIND, {"id_": order_id})).first()
        return _order(row) if row else None

    async def learn(self, connection: AsyncConnection, order: Order) -> None:
        """Keeps what is known of an order now, besides its status."""
        learnt = {"total_cents": order.total_cents, "deferred": order.deferred}
        await connection.execute(_CHANGE, {"id_": order.id, **learnt})

    async def of_customer(self, customer_id: int, before: tuple[float, str] | None, limit: int) -> list[Order]:
        """A customer's orders, the newest first, older than `before` (time and id)."""
        whose = orders.c.customer_id == customer_id
        if before:
            at, order_id = before
            older = or_(orders.c.created_at < at, and_(orders.c.created_at == at, orders.c.id < order_id))
            whose = and_(whose, older)
        query = select(orders).where(whose).order_by(orders.c.created_at.desc(), orders.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            return [_order(row) for row in (await connection.execute(query)).all()]

    async def page(self, after: str, limit: int) -> list[tuple[Order, str]]:
        """Orders by id, above `after`, each with the state of its saga."""
        joined = select(orders, saga_tables.sagas.c.state.label("saga_state")).join(
            saga_tables.sagas, saga_tables.sagas.c.id == orders.c.id
        )
        query = joined.where(orders.c.id > after).order_by(orders.c.id).limit(limit)
        async with self._database.read() as connection:
            return [(_order(row), row.saga_state) for row in (await connection.execute(query)).all()]


async def change_status(
    connection: AsyncConnection, order_id: str, old: OrderStatus, new: OrderStatus, failure: Failure | None = None
) -> None:
    """Moves an order from `old` to `new`. Raises FencedError if it is not `old` any more."""
    if not may_become(old, new):
        raise ValueError(f"an order never goes from {old} to {new}")
    values: dict[str, object] = {"id_": order_id, "old_": old, "status": new}
    if failure:
        values |= {"failure_status": failure.status, "failure_detail": failure.detail[:MAX_DETAIL]}
    if (await connection.execute(_CHANGE_FROM, values)).rowcount != 1:
        raise FencedError(order_id)


async def customer_awaiting(connection: AsyncConnection, order_id: str) -> int | None:
    """The customer of an order that awaits its courier; the row is locked. None for any other."""
    row = (await connection.execute(_AWAITING, {"id_": order_id})).first()
    return row.customer_id if row and row.status == OrderStatus.AWAITING_COURIER else None


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
    failure = Failure(row.failure_status, row.failure_detail) if row.failure_status else None
    status = OrderStatus(row.status)
    return Order(
        row.id, row.customer_id, row.restaurant_id, lines, row.total_cents, status, row.deferred, row.created_at, failure
    )
