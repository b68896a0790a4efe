"""A system's databases are brought to head while its processes start, or it does not start."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from testbed.control import ControlError
from testbed.launch import LaunchOptions, launch, running_supervisor, stop
from tests.postgres import PostgresServer
from tests.testbed.processes import eventually

pytestmark = pytest.mark.system

Shop = Callable[..., LaunchOptions]
MIGRATION = """
import sqlalchemy as sa
from alembic import op
revision = "{revision}"
down_revision = {before!r}
def upgrade():
    op.create_table("boxes_{revision}", sa.Column("id", sa.Integer(), primary_key=True))
"""
TOPOLOGY = """
services:
  shop: {module: small_shop, port: 18080, entry: true}
  stock: {module: boxes.main, replicas: 2, database: true}
"""


@pytest.fixture
def shop(small_system: Shop, tmp_path: Path) -> Shop:
    """The small system, whose stock keeps boxes, on two migrations."""
    package = tmp_path / "package" / "boxes"
    (package / "migrations" / "versions").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "main.py").write_text("from small_shop import main\nif __name__ == '__main__':\n    main()\n")
    for revision, before in (("0001", None), ("0002", "0001")):
        source = MIGRATION.format(revision=revision, before=before)
        (package / "migrations" / "versions" / f"{revision}_boxes.py").write_text(source)
    (tmp_path / "shop.yaml").write_text(TOPOLOGY)
    return small_system


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def ends(state: Path) -> bool:
    """Whether the supervisor is gone after a while: it says why it cannot start, and then ends."""
    return eventually(lambda: running_supervisor(state) is None)


@pytest.mark.parametrize("spawn", [False, True])
def test_databases_are_at_head_once_the_system_is_up(shop: Shop, tmp_path: Path, *, spawn: bool) -> None:
    launch(shop(spawn=spawn))
    assert tables(tmp_path / "state" / "data" / "stock.sqlite") == {"alembic_version", "boxes_0001", "boxes_0002"}


def test_kept_data_is_there_again_after_the_next_start(shop: Shop, tmp_path: Path) -> None:
    options = shop(data=tmp_path / "kept")
    assert launch(options).data == str(tmp_path / "kept")
    with closing(sqlite3.connect(tmp_path / "kept" / "stock.sqlite")) as connection, connection:
        connection.execute("INSERT INTO boxes_0001 VALUES (7)")
    stop(options.state)
    launch(options)
    with closing(sqlite3.connect(tmp_path / "kept" / "stock.sqlite")) as connection:
        assert connection.execute("SELECT id FROM boxes_0001").fetchall() == [(7,)]


def test_a_database_of_a_newer_program_keeps_the_system_down_in_the_migrators_words(shop: Shop, tmp_path: Path) -> None:
    options = shop(data=tmp_path / "kept")
    launch(options)
    stop(options.state)
    (tmp_path / "package" / "boxes" / "migrations" / "versions" / "0002_boxes.py").unlink()
    with pytest.raises(ControlError, match=r"the databases cannot be prepared: exit status 2\n.*is at revision 0002"):
        launch(options)
    assert ends(options.state)


def test_a_server_that_is_not_there_keeps_the_system_down_without_its_password(shop: Shop) -> None:
    options = shop(database="postgresql://admin:geheim@127.0.0.1:1/shop")
    with pytest.raises(ControlError, match=r"server at 127\.0\.0\.1:1 cannot be prepared as admin: ") as refused:
        launch(options)
    assert "geheim" not in str(refused.value)
    told = [path for path in options.state.rglob("*") if path.is_file() and b"geheim" in path.read_bytes()]
    assert (ends(options.state), told) == (True, [])


@pytest.mark.server
def test_on_postgresql_a_service_reaches_its_own_database_and_no_other(shop: Shop, postgres: PostgresServer) -> None:
    (shop().topology or Path()).write_text(TOPOLOGY + "  till: {module: boxes.main, database: true}\n")
    options = shop(database=postgres.url("shop"))
    for _ in range(2):  # The second start finds everything there.
        status = launch(options)
        stop(options.state)
    assert status.data == f"postgresql://127.0.0.1:{postgres.port}/shop"
    assert postgres.ask("shop_stock", "SELECT version_num FROM alembic_version") == "0002"
    owners = "SELECT string_agg(DISTINCT tableowner, ',') FROM pg_tables WHERE schemaname = 'public'"
    assert postgres.ask("shop_stock", owners) == "shop_stock"
    allowed = "SELECT has_database_privilege('{}', '{}', 'CONNECT')"
    assert [postgres.ask("shop_stock", allowed.format(f"shop_{role}", "shop_stock")) for role in ("stock", "till")] == ["t", "f"]
