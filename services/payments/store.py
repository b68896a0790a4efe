"""Where charges are kept: one row an order, so that an order cannot be charged twice."""

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.payments.domain import Charge, ChargeState, repeated

_metadata = MetaData()
_charges = Table(
    "charges",
    _metadata,
    Column("order_id", String(36), primary_key=True),
    Column("customer_id", Integer, nullable=False),
    Column("amount_cents", Integer, nullable=False),
    Column("state", String(20), nullable=False),
)


class ChargeStore:
    """Charges by order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the table."""
        await self._database.create(_metadata)

    async def charge(self, order_id: str, customer_id: int, amount_cents: int) -> Charge:
        """Charges an order, once however often it is asked. Raises ChargeRefusedError."""
        async with self._database.write() as connection:
            existing = await _find(connection, order_id)
            if existing:
                return repeated(existing, amount_cents)
            charge = Charge(order_id, customer_id, amount_cents, ChargeState.CHARGED)
            await _insert(connection, charge)
            return charge

    async def refund(self, order_id: str) -> Charge:
        """Undoes a charge, or makes sure that it never happens."""
        async with self._database.write() as connection:
            existing = await _find(connection, order_id)
            if existing is None:
                await _insert(connection, Charge(order_id, 0, 0, ChargeState.REFUNDED))
            else:
                undo = update(_charges).where(_charges.c.order_id == order_id)
                await connection.execute(undo.values(state=ChargeState.REFUNDED))
            refunded = await _find(connection, order_id)
            assert refunded is not None  # noqa: S101 - written above, in this transaction.
            return refunded


async def _find(connection: AsyncConnection, order_id: str) -> Charge | None:
    row = (await connection.execute(select(_charges).where(_charges.c.order_id == order_id))).first()
    return Charge(row.order_id, row.customer_id, row.amount_cents, ChargeState(row.state)) if row else None


async def _insert(connection: AsyncConnection, charge: Charge) -> None:
    await connection.execute(
        insert(_charges).values(
            order_id=charge.order_id, customer_id=charge.customer_id, amount_cents=charge.amount_cents, state=charge.state
        )
    )
