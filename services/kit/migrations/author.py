"""Writes the next migration of a service from what its tables have become: `make migration service=shop name=add_tip`.

It compares the service's metadata with an SQLite file that has been brought to head. Read what it wrote, and edit it: Alembic
sees neither renamed columns nor data that has to move.
"""

import argparse
import asyncio
import importlib
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import MetaData

from services.kit.database import writing_engine
from services.kit.database_url import parse_database_url
from services.kit.migrations.revisions import Revisions
from services.kit.migrations.runner import configuration, migrate
from services.topology import load_topology

_FILE = "%%(rev)s_%%(slug)s"


async def write_migration(revisions: Revisions, metadata: MetaData, name: str) -> Path:
    """Writes `versions/<next number>_<name>.py` and returns its path."""
    number = f"{int(revisions.known[-1]) + 1 if revisions.known else 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/head.sqlite"
        if revisions.known:
            await migrate(url, revisions)
        engine = writing_engine(parse_database_url(url), "author")
        async with engine.begin() as connection:

            def write(plain: object) -> None:
                config = configuration(plain, revisions, metadata)  # type: ignore[arg-type]  # run_sync leaves it untyped
                config.set_main_option("file_template", _FILE)
                command.revision(config, name.replace("_", " ").capitalize(), autogenerate=True, rev_id=number)

            await connection.run_sync(write)
        await engine.dispose()
    path = revisions.folder / "versions" / f"{number}_{name}.py"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.strip().startswith("# ###")), encoding="utf-8")
    return path


def main() -> None:
    """Reads the command line, and prints the path of what it wrote."""
    parser = argparse.ArgumentParser(prog="python -m services.kit.migrations.author")
    parser.add_argument("service", choices=[name for name, each in load_topology().services.items() if each.database])
    parser.add_argument("name", help="what changes, such as add_tip")
    options = parser.parse_args()
    package = load_topology().services[options.service].module.rpartition(".")[0]
    store = importlib.import_module(f"{package}.store")
    folder = Path(str(store.__file__)).parent / "migrations"
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    revisions = Revisions.of(options.service, f"{package}.main") or Revisions(options.service, folder, ())
    print(asyncio.run(write_migration(revisions, store.metadata, options.name)))  # noqa: T201 - a command prints.


if __name__ == "__main__":
    main()
