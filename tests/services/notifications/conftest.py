"""Notifications over a real database: its store, and its routes without the process around them."""

import pytest

from services.kit.database import Database
from services.notifications.api import router
from services.notifications.store import NotificationStore
from tests.services.routes import Routes, application


@pytest.fixture
async def store(database: Database) -> NotificationStore:
    return NotificationStore(database)


@pytest.fixture
def routes(store: NotificationStore) -> Routes:
    return Routes(application(store, router))
