"""Migrations are run once, whoever else runs them, and replicas wait for them."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from services.kit.migrations.errors import MigrationError, NewerSchemaError, NotAtHeadError
from services.kit.migrations.readiness import revision_of, wait_for_head
from services.kit.migrations.revisions import Revisions
from services.kit.migrations.runner import main, migrate
from tests.services.databases import Databases, open_database

MIGRATION = """
import sqlalchemy as sa
from alembic import op
revision = "{number:04d}"
down_revision = {before}
def upgrade():
    {body}
"""
BOXES = 'op.create_table("boxes", sa.Column("id", sa.Integer(), primary_key=True))'
LABEL = 'op.add_column("boxes", sa.Column("label", sa.String(20)))'
FAILS = 'op.create_table("half", sa.Column("id", sa.Integer(), primary_key=True)); op.drop_table("never_made")'


def write(folder: Path, *bodies: str) -> Revisions:
    """The migrations of a service called shop, one a body."""
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(bodies, 1):
        before = f'"{number - 1:04d}"' if number > 1 else None
        source = MIGRATION.format(number=number, before=before, body=body)
        (folder / "versions" / f"{number:04d}_step.py").write_text(source)
    return Revisions("shop", folder, tuple(f"{number:04d}" for number in range(1, len(bodies) + 1)))


async def look(url: str) -> tuple[str | None, list[str]]:
    """The revision of a database, and its tables."""
    database = open_database(url)
    async with database.read() as connection:
        revision = await revision_of(connection)
        names = await connection.run_sync(lambda plain: sorted(inspect(plain).get_table_names()))
    await database.close()
    return revision, names


async def test_an_empty_database_is_brought_to_head_and_then_left_alone(databases: Databases, tmp_path: Path) -> None:
    revisions = write(tmp_path, BOXES, LABEL)
    url = await databases.empty()
    assert [await migrate(url, revisions), await migrate(url, revisions)] == [True, False]
    assert await look(url) == ("0002", ["alembic_version", "boxes"])


async def test_an_older_database_gets_only_what_it_lacks(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty()
    await migrate(url, write(tmp_path / "old", BOXES))
    database = open_database(url)
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO boxes (id) VALUES (7)"))
    assert await migrate(url, write(tmp_path / "new", BOXES, LABEL))
    async with database.read() as connection:
        rows = [tuple(row) for row in await connection.execute(text("SELECT id, label FROM boxes"))]
    await database.close()
    assert rows == [(7, None)]


async def test_of_runners_that_start_together_one_migrates(databases: Databases, tmp_path: Path) -> None:
    revisions = write(tmp_path, BOXES, LABEL)
    url = await databases.empty()
    changed = await asyncio.gather(*(migrate(url, revisions) for _ in range(4)))
    assert sorted(changed) == [False, False, False, True]


async def test_a_migration_that_fails_leaves_everything_as_it_was(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty()
    await migrate(url, write(tmp_path / "good", BOXES))
    with pytest.raises(MigrationError, match=r"shop: cannot migrate .* to 0003: .*never_made"):
        await migrate(url, write(tmp_path / "bad", BOXES, LABEL, FAILS))
    assert await look(url) == ("0001", ["alembic_version", "boxes"])


async def test_a_newer_database_is_refused_by_runner_and_replica(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty()
    await migrate(url, write(tmp_path / "new", BOXES, LABEL))
    older = write(tmp_path / "old", BOXES)
    for refused in (migrate(url, older), wait_for_head(url, older)):
        with pytest.raises(NewerSchemaError, match=r"of shop is at revision 0002, and this program knows up to 0001: start"):
            await refused
    assert (await look(url))[0] == "0002"


async def test_a_replica_waits_until_its_database_is_at_head(databases: Databases, tmp_path: Path) -> None:
    revisions = write(tmp_path, BOXES)
    url = await databases.empty()
    waiting = asyncio.create_task(wait_for_head(url, revisions, pause_s=0))
    await asyncio.wait({waiting}, timeout=0.05)
    assert not waiting.done()
    await migrate(url, revisions)
    await asyncio.wait_for(waiting, 10)


async def test_a_replica_whose_database_stays_behind_says_so(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty()
    await migrate(url, write(tmp_path / "old", BOXES))
    with pytest.raises(NotAtHeadError, match=r"of shop is at revision 0001, and this program needs 0002; waited 0 s"):
        await wait_for_head(url, write(tmp_path / "new", BOXES, LABEL), wait_s=0)


async def test_waiting_for_a_file_does_not_make_it(tmp_path: Path) -> None:
    path = tmp_path / "absent.sqlite"
    with pytest.raises(NotAtHeadError, match=rf"{path}\) does not exist"):
        await wait_for_head(f"sqlite:///{path}", write(tmp_path, BOXES), wait_s=0)
    assert not path.exists()


async def test_a_runner_waits_for_another_process_that_holds_a_file_which_is_not_in_wal_yet(tmp_path: Path) -> None:
    path = tmp_path / "common.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE something (id)")
        other.execute("BEGIN IMMEDIATE")  # While this holds, SQLite refuses to switch to WAL, and does not wait.
        release = threading.Timer(0.1, other.rollback)
        release.start()
        assert await migrate(f"sqlite:///{path}", write(tmp_path, BOXES))
        release.join()
    with closing(sqlite3.connect(path)) as later:
        assert later.execute("PRAGMA journal_mode").fetchall() == [("wal",)]


async def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path) -> None:
    revisions = write(tmp_path, BOXES)
    url = "postgresql://shop:geheim@127.0.0.1:1/shop"
    with pytest.raises(NotAtHeadError) as waited:
        await wait_for_head(url, revisions, wait_s=0)
    with pytest.raises(MigrationError) as migrated:
        await migrate(url, revisions)
    for text_of in (str(waited.value), str(migrated.value)):
        assert "127.0.0.1:1/shop" in text_of
        assert "geheim" not in text_of
        assert "\n" not in text_of


def test_the_runner_of_one_service_names_those_that_have_migrations(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIREBREAK_SERVICE", "gateway")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "FIREBREAK_SERVICE: gateway has no migrations; those that have: " in capsys.readouterr().err
