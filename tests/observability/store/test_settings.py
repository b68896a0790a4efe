import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from observability.store.errors import StoreUnusableError
from observability.store.file_lock import FileLock
from observability.store.schema import open_for_writing
from observability.store.settings import StoreSettings
from observability.store.store import Store


def test_a_path_is_enough_and_the_rest_are_the_well_known_ports_on_loopback() -> None:
    settings = StoreSettings.from_environment({"FIREBREAK_STORE_PATH": "t.sqlite"})
    assert (settings.host, settings.port, settings.otlp_port, settings.instance) == ("127.0.0.1", 16_686, 4_318, "telemetry/1")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FIREBREAK_STORE_PATH", "", "is missing"),
        ("FIREBREAK_PORT", "65536", "a whole number from 0 to 65535"),
        ("FIREBREAK_OTLP_PORT", "-1", "a whole number from 0 to 65535"),
        ("FIREBREAK_OTLP_PORT", "high", "a whole number from 0 to 65535"),
        ("FIREBREAK_REPLICA", "0", "a whole number from 1 to 1000"),
        ("FIREBREAK_STORE_MAX_SIZE_MIB", "1", "a whole number from 16 to 1048576"),
        ("FIREBREAK_STORE_MAX_AGE_S", "1.5", "a whole number from 60 to 31536000"),
        ("FIREBREAK_LOG_LEVEL", "loud", "allowed: debug, info, warning, error, critical"),
    ],
)
def test_an_unusable_setting_is_named_with_what_is_allowed(name: str, value: str, says: str) -> None:
    with pytest.raises(StoreUnusableError, match=name) as raised:
        StoreSettings.from_environment({"FIREBREAK_STORE_PATH": "t.sqlite", name: value})
    assert says in str(raised.value)


def test_a_file_that_is_not_a_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    with pytest.raises(StoreUnusableError, match="file is not a database"):
        open_for_writing(path, 16)
    assert path.read_text() == "not a database " * 100


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.sqlite"
    connection = open_for_writing(path, 16)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnusableError, match="made by version 99 of the store, and this is version 5; move the file away"):
        open_for_writing(path, 16)


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE note (text TEXT)")
    with pytest.raises(StoreUnusableError, match="not a store's file; move the file away"):
        open_for_writing(path, 16)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError, match="its folder does not exist"):
        FileLock(tmp_path / "none" / "telemetry.sqlite")


def test_a_second_store_on_one_file_is_refused_until_the_first_has_ended(settings: StoreSettings) -> None:
    first = Store(settings)
    first.start()
    with pytest.raises(StoreUnusableError, match="another store has it open; end that one, or name another file"):
        Store(settings)
    first.close()
    FileLock(settings.path).close()


def test_a_file_that_is_refused_is_not_held(settings: StoreSettings) -> None:
    settings.path.write_text("not a database " * 100)
    with pytest.raises(StoreUnusableError, match="file is not a database"):
        Store(settings)
    FileLock(settings.path).close()


def test_a_store_that_has_ended_leaves_one_whole_file(settings: StoreSettings) -> None:
    store = Store(settings)
    store.start()
    store.close()
    assert sorted(path.name for path in settings.path.parent.iterdir()) == [settings.path.name, f"{settings.path.name}-lock"]
