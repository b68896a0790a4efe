"""Where customers are kept."""

from dataclasses import dataclass

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select

from services.kit.database import Database
from services.users import seed

_metadata = MetaData()
_customers = Table(
    "customers",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(200), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("password_hash", String(200), nullable=False),
)


@dataclass(frozen=True)
class Customer:
    """One customer."""

    id: int
    name: str
    password_hash: str


class CustomerStore:
    """Customers by email."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Makes the tables and, where they are empty, the seed."""
        await self._database.create(_metadata)
        async with self._database.write() as connection:
            if (await connection.execute(select(_customers.c.id).limit(1))).first() is None:
                rows = [
                    {"id": number, "email": email, "name": name, "password_hash": seed.PASSWORD_HASH}
                    for number, email, name in seed.customers()
                ]
                await connection.execute(insert(_customers), rows)

    async def by_email(self, email: str) -> Customer | None:
        """The customer who signs in with `email`."""
        query = select(_customers.c.id, _customers.c.name, _customers.c.password_hash).where(_customers.c.email == email)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return Customer(row.id, row.name, row.password_hash) if row else None
