"""Deliveries over a real database: its store, and its routes without the process around them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.deliveries.api import router
from services.deliveries.store import AssignmentStore
from services.kit.database import Database
from tests.services.databases import Databases, open_database
from tests.services.routes import Routes, application


@pytest.fixture
async def store(database: Database) -> AssignmentStore:
    """With its fifty couriers."""
    store = AssignmentStore(database)
    await store.prepare()
    return store


@pytest.fixture
async def replicas(databases: Databases) -> AsyncIterator[tuple[AssignmentStore, AssignmentStore]]:
    """Two replicas over one database, which they prepare at the same time."""
    url = await databases.fresh("deliveries")
    opened = open_database(url), open_database(url)
    one, other = map(AssignmentStore, opened)
    await asyncio.gather(one.prepare(), other.prepare())
    yield one, other
    for database in opened:
        await database.close()
    await databases.discard(url)


@pytest.fixture
def routes(store: AssignmentStore) -> Routes:
    return Routes(application(store, router))
