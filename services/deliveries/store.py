"""Where couriers and assignments are kept: one row an order, so that an order cannot have two couriers."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deliveries.domain import Assignment, AssignmentState, repeated
from services.kit.database import Database
from services.kit.events.tables import EventTables
from services.kit.rows import insert_new
from services.kit.uncut import whole

COURIERS = 50
metadata = MetaData()
event_tables = EventTables(metadata)
couriers = Table(
    "couriers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column(
        "assigned", Integer, CheckConstraint("assigned >= 0", name="couriers_assigned_not_negative"), nullable=False, index=True
    ),
)
assignments = Table(
    "assignments",
    metadata,
    Column("order_id", String(36), primary_key=True),
    Column("customer_id", BigInteger, nullable=False),
    Column("courier_id", Integer, nullable=False),
    Column("state", String(20), nullable=False),
)

# Made once: to make a statement costs several times what it costs to execute.
_FIND = select(assignments).where(assignments.c.order_id == bindparam("order_id_"))
_LEAST_BUSY = select(couriers.c.id).order_by(couriers.c.assigned, couriers.c.id).limit(1)
_FREE, _ANY = _LEAST_BUSY.with_for_update(skip_locked=True), _LEAST_BUSY.with_for_update()
_CHANGE_LOAD = (
    update(couriers).where(couriers.c.id == bindparam("courier_id_")).values(assigned=couriers.c.assigned + bindparam("orders_"))
)


@dataclass(frozen=True)
class Courier:
    """A courier, and how many orders are theirs."""

    id: int
    assigned: int


class AssignmentStore:
    """Assignments by order, and the couriers' loads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the couriers: who adds the first adds all."""
        first, *others = ({"id": number, "assigned": 0} for number in range(1, COURIERS + 1))
        async with self._database.write() as connection:
            if await insert_new(connection, couriers, first):
                await connection.execute(insert(couriers), others)

    @whole
    async def assign(self, order_id: str, customer_id: int) -> Assignment:
        """As `assign`, in a transaction of its own."""
        async with self._database.write() as connection:
            return await assign(connection, order_id, customer_id)

    @whole
    async def withdraw(self, order_id: str) -> None:
        """Takes an order from its courier, or makes sure that it never gets one."""
        tombstone = Assignment(order_id, 0, 0, AssignmentState.WITHDRAWN)
        async with self._database.write() as connection:
            if await insert_new(connection, assignments, _values(tombstone)):
                return
            row = update(assignments).where(assignments.c.order_id == order_id)
            assigned = row.where(assignments.c.state == AssignmentState.ASSIGNED)
            if (await connection.execute(assigned.values(state=AssignmentState.WITHDRAWN))).rowcount == 1:
                freed = await _get(connection, order_id)
                await _change_load(connection, freed.courier_id, -1)

    async def find(self, order_id: str) -> Assignment | None:
        """Who brings an order."""
        async with self._database.read() as connection:
            return await _find(connection, order_id)

    async def page(self, after: str, limit: int) -> list[Assignment]:
        """Assignments by order id, above `after`."""
        query = select(assignments).where(assignments.c.order_id > after).order_by(assignments.c.order_id).limit(limit)
        async with self._database.read() as connection:
            return [_assignment(row) for row in (await connection.execute(query)).all()]

    async def couriers(self, after: int, limit: int) -> list[Courier]:
        """Couriers by id, above `after`."""
        query = select(couriers).where(couriers.c.id > after).order_by(couriers.c.id).limit(limit)
        async with self._database.read() as connection:
            return [Courier(row.id, row.assigned) for row in (await connection.execute(query)).all()]


async def assign(connection: AsyncConnection, order_id: str, customer_id: int) -> Assignment:
    """Gives an order to the courier with the fewest, once however often it is asked, in the caller's transaction.

    Raises:
        AssignmentRefusedError: The order was withdrawn.
    """
    existing = await _find(connection, order_id)
    if existing:
        return repeated(existing)
    assignment = Assignment(order_id, customer_id, await _least_busy(connection), AssignmentState.ASSIGNED)
    if not await insert_new(connection, assignments, _values(assignment)):
        # Another replica was asked at the same moment, and was first.
        return repeated(await _get(connection, order_id))
    await _change_load(connection, assignment.courier_id, 1)
    return assignment


async def _least_busy(connection: AsyncConnection) -> int:
    """Chooses a courier, whom nobody else changes until the transaction ends (on SQLite it has locked everything anyway).

    Couriers whom others are just choosing are passed over, so that one does not hold everybody up, unless there is nobody else.
    """
    free: int | None = (await connection.execute(_FREE)).scalar()
    if free is not None:
        return free
    busy: int = (await connection.execute(_ANY)).scalar_one()
    return busy


async def _change_load(connection: AsyncConnection, courier_id: int, orders: int) -> None:
    await connection.execute(_CHANGE_LOAD, {"courier_id_": courier_id, "orders_": orders})


async def _find(connection: AsyncConnection, order_id: str) -> Assignment | None:
    row = (await connection.execute(_FIND, {"order_id_": order_id})).first()
    return _assignment(row) if row else None


async def _get(connection: AsyncConnection, order_id: str) -> Assignment:
    return _assignment((await connection.execute(_FIND, {"order_id_": order_id})).one())


def _assignment(row: Row[tuple[object, ...]]) -> Assignment:
    return Assignment(row.order_id, row.customer_id, row.courier_id, AssignmentState(row.state))


def _values(assignment: Assignment) -> dict[str, object]:
    return {
        "order_id": assignment.order_id,
        "customer_id": assignment.customer_id,
        "courier_id": assignment.courier_id,
        "state": assignment.state,
    }
