"""Customers are kept once an address, on both databases, whichever replica is asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.users.seed import CUSTOMERS, PASSWORD_HASH
from services.users.store import Customer, CustomerStore
from tests.services.databases import open_database

if TYPE_CHECKING:
    from services.kit.database import Database
    from tests.services.databases import Databases

ADA = "ada@feastfast.example"


async def test_the_seed_is_planted_once(database: Database) -> None:
    store = CustomerStore(database)
    await store.prepare()
    await store.prepare()
    assert await store.by_email("customer-1000@feastfast.example") == Customer(1_000, "Customer 1000", PASSWORD_HASH)
    assert await store.by_email("customer-1001@feastfast.example") is None


async def test_new_customers_follow_the_seed(database: Database) -> None:
    store = CustomerStore(database)
    await store.prepare()
    assert await store.add(ADA, "Ада 🐍", "hash") == Customer(CUSTOMERS + 1, "Ада 🐍", "hash")
    assert await store.by_email(ADA) == Customer(CUSTOMERS + 1, "Ада 🐍", "hash")


async def test_an_address_is_taken_once(database: Database) -> None:
    store = CustomerStore(database)
    await store.prepare()
    await store.add(ADA, "Ada", "hash")
    assert await store.add(ADA, "Another", "hash-2") is None
    assert (await store.add("bea@feastfast.example", "Bea", "hash")) is not None


async def test_of_two_replicas_that_race_for_an_address_one_wins(databases: Databases) -> None:
    url = await databases.fresh("users")
    opened = [open_database(url) for _ in range(2)]
    stores = [CustomerStore(database) for database in opened]
    await asyncio.gather(*(store.prepare() for store in stores))
    added = await asyncio.gather(*(stores[number % 2].add(ADA, f"{number}", f"hash-{number}") for number in range(8)))
    (won,) = [customer for customer in added if customer]
    assert [await store.by_email(ADA) for store in stores] == [won, won]
    for database in opened:
        await database.close()
