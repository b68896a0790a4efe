"""What tests of services share: how property tests run here, and databases of both kinds.

A store test takes `database` and runs twice, on SQLite and on PostgreSQL, on a new database each time that has the tables of
the service after which the test's folder is called (`tests/services/payments/...`), and no rows:

    async def test_a_second_capture_changes_nothing(database: Database) -> None:
        store = PaymentStore(database)

    two replicas:           databases: Databases;  url = await databases.fresh("payments"), then open_database(url) twice
    tables of the kit:      url = await databases.with_tables(metadata)
    PostgreSQL alone:       postgres: PostgresServer (mark the test `server`)

`open_database` is in tests/services/databases.py; close what it returns. Runs on PostgreSQL are marked `server`: leave them out
with `-m "not server"`.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from services.kit.database import Database
from tests.services.databases import Databases, PostgresDatabases, SqliteDatabases, open_database

# The same examples every time, and no limit on how long one takes on a busy machine.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Databases of one kind; a test that takes this runs once for each."""
    if request.param == "sqlite":
        return SqliteDatabases(tmp_path_factory.mktemp("databases"))
    return PostgresDatabases(request.getfixturevalue("postgres"))


@pytest.fixture
async def database(databases: Databases, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A new database with the tables of the service after which the test's folder is called."""
    folders = Path(request.path).parts
    url = await databases.fresh(folders[folders.index("services") + 1])
    opened = open_database(url)
    yield opened
    await opened.close()
    await databases.discard(url)
