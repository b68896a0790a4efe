"""What a database URL may be, and what is said of one that cannot be used."""

import pytest

from services.kit.database_url import DatabaseUrlError, parse_database_url
from services.kit.settings import Settings, SettingsError


@pytest.mark.parametrize("driver", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg2"])
def test_postgresql_gets_the_asynchronous_driver_whatever_the_url_says(driver: str) -> None:
    url = parse_database_url(f"{driver}://shop:p%40ss@db:5433/orders")
    assert url.render_as_string(hide_password=False) == "postgresql+asyncpg://shop:p%40ss@db:5433/orders"


def test_sqlite_gets_the_asynchronous_driver() -> None:
    assert str(parse_database_url("sqlite:////data/orders.sqlite")) == "sqlite+aiosqlite:////data/orders.sqlite"


def test_libpqs_name_for_encryption_becomes_the_drivers() -> None:
    assert dict(parse_database_url("postgresql://db/orders?sslmode=require").query) == {"ssl": "require"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mysql://root:geheim@db/orders", "no database for 'mysql'; write postgresql://"),
        ("geheim", "no database URL; write postgresql://"),
        ("postgresql://root:geheim@db:port/orders", "no database URL; write postgresql://"),
        ("postgresql://root:geheim@db", "the database URL names no database; write"),
        ("postgresql://root:geheim@db/orders?options=-c", r"has \?options=; allowed: host, port, ssl, sslmode"),
    ],
)
def test_an_unusable_url_is_refused_with_what_is_allowed_and_without_its_password(text: str, reason: str) -> None:
    with pytest.raises(DatabaseUrlError, match=reason) as refused:
        parse_database_url(text)
    assert "geheim" not in str(refused.value)


def test_settings_name_the_variable_of_an_unusable_url() -> None:
    with pytest.raises(SettingsError, match=r"^FIREBREAK_DATABASE_URL: no database for 'mysql'; write") as refused:
        Settings.from_environment({"FIREBREAK_SERVICE": "shop", "FIREBREAK_DATABASE_URL": "mysql://root:geheim@db/x"})
    assert "geheim" not in str(refused.value)


def test_settings_do_not_show_the_password() -> None:
    assert "geheim" not in repr(Settings(service="shop", database_url="postgresql://shop:geheim@db/shop"))
