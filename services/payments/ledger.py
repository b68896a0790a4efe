"""The double-entry ledger: transactions are added, and balances are sums of their entries."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.payments.domain import Entry, Step, Transaction
from services.payments.tables import entries, transactions

# Made once: to make a statement costs several times what it costs to execute.
_ADD = insert(transactions).returning(transactions.c.id)
_ADD_ENTRIES = insert(entries)


@dataclass(frozen=True)
class Recorded:
    """A transaction and its number in the ledger."""

    id: int
    transaction: Transaction


async def record(connection: AsyncConnection, transaction: Transaction) -> None:
    """Adds a transaction within the caller's, which makes it one with the change of the payment that it tells of.

    Raises:
        IntegrityError: The order has a transaction of this kind.
    """
    row = {"order_id": transaction.order_id, "kind": transaction.step}
    number = (await connection.execute(_ADD, row)).scalar_one()
    rows = [
        {"transaction_id": number, "account": each.account, "amount_cents": each.amount_cents} for each in transaction.entries
    ]
    await connection.execute(_ADD_ENTRIES, rows)


class Ledger:
    """The ledger, read a page at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, after: int, limit: int) -> list[Recorded]:
        """Transactions by number, above `after`; one that has no entries would be here too."""
        numbers = select(transactions).where(transactions.c.id > after).order_by(transactions.c.id).limit(limit).subquery()
        query = (
            select(numbers, entries.c.account, entries.c.amount_cents)
            .outerjoin(entries, entries.c.transaction_id == numbers.c.id)
            .order_by(numbers.c.id, entries.c.account)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        orders = {row.id: (row.order_id, Step(row.kind)) for row in rows}
        found: dict[int, list[Entry]] = {number: [] for number in orders}
        for row in rows:
            if row.account is not None:
                found[row.id].append(Entry(row.account, row.amount_cents))
        return [Recorded(number, Transaction(*orders[number], tuple(found[number]))) for number in orders]

    async def balances(self, after: str, limit: int) -> list[Entry]:
        """The balance of each account by name, above `after`."""
        balance = func.sum(entries.c.amount_cents).label("balance_cents")
        query = (
            select(entries.c.account, balance)
            .where(entries.c.account > after)
            .group_by(entries.c.account)
            .order_by(entries.c.account)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [Entry(row.account, row.balance_cents) for row in (await connection.execute(query)).all()]
