"""Payments over a real database: the stores of two replicas, and the application with an acquirer that answers at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.kit.database import Database
from services.kit.settings import Settings
from services.payments.main import create_app
from services.payments.processor import Processor
from services.payments.store import PaymentStore
from tests.services.databases import Databases, open_database
from tests.services.payments.till import TOKEN, ListeningAcquirer, Till

TOPOLOGY = "services: {gateway: {module: a.main, entry: true}, payments: {module: services.payments.main, database: true}}"


@pytest.fixture
def store(database: Database) -> PaymentStore:
    return PaymentStore(database)


@pytest.fixture
async def replicas(databases: Databases) -> AsyncIterator[tuple[PaymentStore, PaymentStore]]:
    """Two replicas over one database."""
    url = await databases.fresh("payments")
    opened = [open_database(url) for _ in range(2)]
    yield PaymentStore(opened[0]), PaymentStore(opened[1])
    for database in opened:
        await database.close()
    await databases.discard(url)


@pytest.fixture
async def acquirer() -> ListeningAcquirer:
    return ListeningAcquirer()


@pytest.fixture
def processor(store: PaymentStore, acquirer: ListeningAcquirer) -> Processor:
    return Processor(store, acquirer)


@pytest.fixture
async def till(tmp_path: Path, databases: Databases) -> AsyncIterator[Till]:
    """The application."""
    (tmp_path / "topology.yaml").write_text(TOPOLOGY)
    url = await databases.fresh("payments")
    settings = Settings(service="payments", topology=tmp_path / "topology.yaml", database_url=url, internal_token=TOKEN)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield Till(app)
    await databases.discard(url)
