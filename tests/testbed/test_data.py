"""Where a system keeps its data, and what is said of a server that cannot be meant."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from testbed.arguments import parse_arguments
from testbed.data import PostgresData, choose_data
from testbed.launch import LaunchOptions
from testbed.request import read_request


def test_without_a_server_each_service_has_a_file_in_the_folder() -> None:
    data = choose_data("", Path("/data"))
    assert (data.url("orders"), data.server, data.describe()) == ("sqlite:////data/orders.sqlite", "", "/data")


def test_on_a_server_each_service_has_a_database_a_role_and_a_password_of_its_own() -> None:
    data = PostgresData("postgresql+asyncpg://admin:geheim@db:5433/feast?sslmode=require")
    orders, users = (urlsplit(data.url(service)) for service in ("orders", "users"))
    assert (orders.username, orders.hostname, orders.port, orders.path) == ("feast_orders", "db", 5433, "/feast_orders")
    assert (users.username, users.path, users.query) == ("feast_users", "/feast_users", "sslmode=require")
    assert len({orders.password, users.password, "geheim"}) == 3
    assert data.url("orders") == data.url("orders")
    assert data.server == "postgresql://admin:geheim@db:5433/feast?sslmode=require"
    assert data.describe() == "postgresql://db:5433/feast"


def test_databases_of_an_unnamed_system_are_called_firebreak() -> None:
    assert urlsplit(PostgresData("postgres://admin@[::1]").url("order-book")).path == "/firebreak_order_book"


@pytest.mark.parametrize(
    "url",
    ["mysql://root:geheim@db/x", "postgresql:///x", "postgresql://root:geheim@db:port/x", "geheim", 'postgresql://db/x"; --'],
)
def test_what_is_no_server_is_refused_with_how_to_name_one_and_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"--database .*; write postgresql://USER:PASSWORD@HOST:PORT/NAME") as refused:
        PostgresData(url)
    assert "geheim" not in str(refused.value)


def test_a_server_is_on_no_command_line_and_in_no_representation() -> None:
    options = LaunchOptions(state=Path("state"), database="postgresql://admin:geheim@db")
    assert "--database-on-stdin" in options.arguments()
    assert "geheim" not in " ".join(options.arguments()) + repr(options)


def test_the_folder_that_every_start_empties_cannot_keep_data(tmp_path: Path) -> None:
    options = parse_arguments([f"--state={tmp_path}", f"--data={tmp_path / 'data'}"])
    with pytest.raises(ValueError, match=r"this folder is emptied at every start; name another"):
        read_request(options)
