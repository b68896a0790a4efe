"""Where customers are kept."""

from dataclasses import dataclass

from sqlalchemy import Column, Identity, Integer, MetaData, String, Table, insert, select

from services.kit.database import Database
from services.kit.rows import insert_new
from services.kit.uncut import whole
from services.users import seed

metadata = MetaData()
_customers = Table(
    "customers",
    metadata,
    # PostgreSQL counts apart from what the seed takes; SQLite goes on from the highest.
    Column("id", Integer, Identity(start=seed.CUSTOMERS + 1), primary_key=True),
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
        """Makes the seed where there is none: who adds its first row adds all of it."""
        first, *others = [
            {"id": number, "email": email, "name": name, "password_hash": seed.PASSWORD_HASH}
            for number, email, name in seed.customers()
        ]
        async with self._database.write() as connection:
            if await insert_new(connection, _customers, first):
                await connection.execute(insert(_customers), others)

    async def by_email(self, email: str) -> Customer | None:
        """The customer who signs in with `email`."""
        query = select(_customers.c.id, _customers.c.name, _customers.c.password_hash).where(_customers.c.email == email)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return Customer(row.id, row.name, row.password_hash) if row else None

    @whole
    async def add(self, email: str, name: str, password_hash: str) -> Customer | None:
        """A new customer; None when the address is taken, however close the race for it was."""
        values = {"email": email, "name": name, "password_hash": password_hash}
        query = select(_customers.c.id).where(_customers.c.email == email)
        async with self._database.write() as connection:
            if not await insert_new(connection, _customers, values):
                return None
            return Customer((await connection.execute(query)).scalar_one(), name, password_hash)
