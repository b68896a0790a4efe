"""Where payments are kept: one row an order, changed in one transaction with the ledger.

Concurrent writers of one payment take turns: on SQLite because a writing transaction is alone from its start, on PostgreSQL
because the first to add the row makes the second wait, and whoever would change it locks it.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Label, Row, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.rows import insert_new
from services.kit.uncut import whole
from services.payments.domain import NOBODY, Payment, PaymentState, Step, next_state, repeated, transaction_of
from services.payments.ledger import Ledger, record
from services.payments.tables import metadata, payments, transactions

__all__ = ["Account", "Change", "PaymentStore", "metadata"]

# Made once: to make a statement costs several times what it costs to execute.
_FIND = select(payments).where(payments.c.order_id == bindparam("order_id_"))
_LOCK = _FIND.with_for_update()
_CHANGE = update(payments).where(payments.c.order_id == bindparam("order_id_"))


@dataclass(frozen=True)
class Change:
    """What a payment is now, and whether it became so just now."""

    payment: Payment
    is_new: bool


@dataclass(frozen=True)
class Account:
    """A payment, and how often the ledger says that it was captured and refunded."""

    payment: Payment
    captures: int
    refunds: int


class PaymentStore:
    """Payments by order, and the ledger to read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.ledger = Ledger(database)

    async def find(self, order_id: str) -> Payment | None:
        """What became of an order's money."""
        async with self._database.read() as connection:
            row = (await connection.execute(_FIND, {"order_id_": order_id})).first()
        return _payment(row) if row else None

    @whole
    async def authorise(self, wanted: Payment) -> Payment:
        """Keeps an authorisation, once however often it comes. Raises PaymentRefusedError."""
        async with self._database.write() as connection:
            if await _add(connection, wanted):
                return wanted
            return repeated(await _locked(connection, wanted.order_id), wanted)

    @whole
    async def change(self, step: Step, order_id: str) -> Change:
        """Takes a step other than an authorisation, once however often it is told. Raises PaymentRefusedError."""
        async with self._database.write() as connection:
            before = await _locked_if_any(connection, order_id)
            if before is None:
                tombstone = Payment(order_id, NOBODY, 0, next_state(step, order_id, None))
                if await _add(connection, tombstone):
                    return Change(tombstone, is_new=True)
                before = await _locked(connection, order_id)
            after = replace(before, state=next_state(step, order_id, before.state))
            if after == before:
                return Change(before, is_new=False)
            await connection.execute(_CHANGE, {"order_id_": order_id, "state": after.state})
            await _record(connection, before.state, after)
            return Change(after, is_new=True)

    async def page(self, after: str, limit: int) -> list[Account]:
        """Payments by order id, above `after`."""

        def times(step: Step) -> Label[int]:
            of_it = transactions.c.order_id == payments.c.order_id, transactions.c.kind == step
            return select(func.count()).where(*of_it).scalar_subquery().label(step)

        query = select(payments, times(Step.CAPTURE), times(Step.REFUND))
        query = query.where(payments.c.order_id > after).order_by(payments.c.order_id).limit(limit)
        async with self._database.read() as connection:
            return [Account(_payment(row), row.capture, row.refund) for row in (await connection.execute(query)).all()]


async def _add(connection: AsyncConnection, payment: Payment) -> bool:
    """Adds a payment with its transaction, unless the order has one."""
    row = {
        "order_id": payment.order_id,
        "customer_id": payment.customer_id,
        "amount_cents": payment.amount_cents,
        "state": payment.state,
    }
    if not await insert_new(connection, payments, row):
        return False
    await _record(connection, None, payment)
    return True


async def _record(connection: AsyncConnection, before: PaymentState | None, payment: Payment) -> None:
    transaction = transaction_of(before, payment)
    if transaction:
        await record(connection, transaction)


async def _locked_if_any(connection: AsyncConnection, order_id: str) -> Payment | None:
    row = (await connection.execute(_LOCK, {"order_id_": order_id})).first()
    return _payment(row) if row else None


async def _locked(connection: AsyncConnection, order_id: str) -> Payment:
    found = await _locked_if_any(connection, order_id)
    assert found is not None  # noqa: S101 - somebody has just added it, and payments are never deleted.
    return found


def _payment(row: Row[tuple[object, ...]]) -> Payment:
    return Payment(row.order_id, row.customer_id, row.amount_cents, PaymentState(row.state))
