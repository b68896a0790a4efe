"""Where couriers and assignments are kept: one row an order, so that an order cannot have two couriers."""

from sqlalchemy import Column, Integer, MetaData, Row, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deliveries.domain import Assignment, AssignmentState, repeated
from services.kit.database import Database

COURIERS = 50
_metadata = MetaData()
_couriers = Table(
    "couriers",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("assigned", Integer, nullable=False, index=True),
)
_assignments = Table(
    "assignments",
    _metadata,
    Column("order_id", String(36), primary_key=True),
    Column("customer_id", Integer, nullable=False),
    Column("courier_id", Integer, nullable=False),
    Column("state", String(20), nullable=False),
)


class AssignmentStore:
    """Assignments by order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the tables and the couriers."""
        await self._database.create(_metadata)
        async with self._database.write() as connection:
            if (await connection.execute(select(_couriers.c.id).limit(1))).first() is None:
                await connection.execute(insert(_couriers), [{"id": n, "assigned": 0} for n in range(1, COURIERS + 1)])

    async def assign(self, order_id: str, customer_id: int) -> Assignment:
        """Gives an order to the courier with the fewest so far, once however often it is asked. Raises AssignmentRefusedError."""
        async with self._database.write() as connection:
            existing = await _find(connection, order_id)
            if existing:
                return repeated(existing)
            least = select(_couriers.c.id).order_by(_couriers.c.assigned, _couriers.c.id).limit(1)
            courier_id: int = (await connection.execute(least)).scalar_one()
            busier = update(_couriers).where(_couriers.c.id == courier_id).values(assigned=_couriers.c.assigned + 1)
            await connection.execute(busier)
            assignment = Assignment(order_id, customer_id, courier_id, AssignmentState.ASSIGNED)
            await _insert(connection, assignment)
            return assignment

    async def withdraw(self, order_id: str) -> None:
        """Takes an order from its courier, or makes sure that it never gets one."""
        async with self._database.write() as connection:
            if await _find(connection, order_id) is None:
                await _insert(connection, Assignment(order_id, 0, 0, AssignmentState.WITHDRAWN))
            else:
                row = update(_assignments).where(_assignments.c.order_id == order_id)
                await connection.execute(row.values(state=AssignmentState.WITHDRAWN))

    async def find(self, order_id: str) -> Assignment | None:
        """Who brings an order."""
        async with self._database.read() as connection:
            return await _find(connection, order_id)

    async def page(self, after: str, limit: int) -> list[Assignment]:
        """Assignments by order id, above `after`."""
        query = select(_assignments).where(_assignments.c.order_id > after).order_by(_assignments.c.order_id).limit(limit)
        async with self._database.read() as connection:
            return [_assignment(row) for row in (await connection.execute(query)).all()]


async def _find(connection: AsyncConnection, order_id: str) -> Assignment | None:
    row = (await connection.execute(select(_assignments).where(_assignments.c.order_id == order_id))).first()
    return _assignment(row) if row else None


def _assignment(row: Row[tuple[object, ...]]) -> Assignment:
    return Assignment(row.order_id, row.customer_id, row.courier_id, AssignmentState(row.state))


async def _insert(connection: AsyncConnection, assignment: Assignment) -> None:
    await connection.execute(
        insert(_assignments).values(
            order_id=assignment.order_id,
            customer_id=assignment.customer_id,
            courier_id=assignment.courier_id,
            state=assignment.state,
        )
    )
