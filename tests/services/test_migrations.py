"""What every service's migrations must be, whichever service it is."""

import importlib
import re
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from services.kit.migrations.revisions import Revisions
from services.kit.migrations.runner import configuration, migrate
from services.topology import load_topology
from tests.services.databases import Databases, open_database

SERVICES = {name: each.module for name, each in load_topology().services.items() if each.database}


def revisions_of(service: str) -> Revisions:
    revisions = Revisions.of(service, SERVICES[service])
    assert revisions is not None, f"{service} keeps data and has no migrations"
    return revisions


def tables_of(service: str) -> MetaData:
    metadata: MetaData = importlib.import_module(f"services.{service}.store").metadata
    return metadata


@pytest.mark.parametrize("service", SERVICES)
async def test_the_models_of_a_service_equal_its_migrations(service: str, databases: Databases) -> None:
    """When this fails, write the missing migration: make migration service=... name=..."""
    url = await databases.empty()
    await migrate(url, revisions_of(service))
    metadata = tables_of(service)

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    database = open_database(url)
    async with database.read() as connection:
        found = await connection.run_sync(differences)
    await database.close()
    assert found == []


@pytest.mark.parametrize("service", SERVICES)
def test_alembic_and_the_names_of_the_files_agree_on_the_head(service: str) -> None:
    revisions = revisions_of(service)
    scripts = ScriptDirectory.from_config(configuration(None, revisions))
    assert scripts.get_heads() == [revisions.head]
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(revisions.known))


@pytest.mark.parametrize("service", SERVICES)
def test_no_migration_offers_a_way_down(service: str) -> None:
    for path in (revisions_of(service).folder / "versions").glob("*.py"):
        assert not re.search(r"def downgrade", path.read_text(encoding="utf-8")), path


def test_a_service_that_keeps_no_data_has_no_migrations() -> None:
    without = {name: each.module for name, each in load_topology().services.items() if not each.database}
    assert [name for name, module in without.items() if Revisions.of(name, module)] == []


@pytest.mark.system
def test_no_process_of_a_service_imports_alembic() -> None:
    """It would cost every replica 10 MiB and a tenth of a second: only what migrates imports it."""
    program = f"import sys, {', '.join(SERVICES.values())}; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
