"""Deliveries over a real database: its store, and its routes without the process around them."""

import pytest

from services.deliveries.api import router
from services.deliveries.store import AssignmentStore
from services.kit.database import Database
from tests.services.routes import Routes


@pytest.fixture
async def store(database: Database) -> AssignmentStore:
    """With its fifty couriers."""
    store = AssignmentStore(database)
    await store.prepare()
    return store


@pytest.fixture
def routes(store: AssignmentStore) -> Routes:
    return Routes(store, router)
