"""What the one-shot container that prepares databases is told, and what it refuses."""

import pytest

from services.kit.migrations.errors import SchemaError
from testbed.container import migrate
from testbed.container.migrate import SERVER, main, variable_of, work_of

ENVIRONMENT = {SERVER: "postgresql://postgres:p-1_A@postgres:5432"} | {
    variable_of(name): f"postgresql://x_{name}:secret@postgres:5432/x_{name}"
    for name in ("users", "restaurants", "orders", "payments", "deliveries", "notifications")
}


def test_every_service_that_keeps_data_is_prepared() -> None:
    work = work_of(ENVIRONMENT)
    assert list(work.services) == ["users", "restaurants", "orders", "payments", "deliveries", "notifications"]
    assert work.services["orders"].url == "postgresql://x_orders:secret@postgres:5432/x_orders"
    assert work.services["orders"].module == "services.orders.main"
    assert work.server == "postgresql://postgres:p-1_A@postgres:5432"


def test_a_name_of_several_words_has_a_variable() -> None:
    assert variable_of("back-office") == "DATABASE_URL_BACK_OFFICE"


@pytest.mark.parametrize("variable", [SERVER, "DATABASE_URL_ORDERS"])
def test_a_missing_url_is_named(variable: str) -> None:
    with pytest.raises(ValueError, match=f"^{variable}: not set; write postgresql://USER:PASSWORD@HOST:PORT/NAME"):
        work_of({**ENVIRONMENT, variable: ""})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://x_orders:geheim'; DROP ROLE postgres; --@postgres:5432/x_orders",
        "postgresql://x_orders:ge%40heim@postgres:5432/x_orders",
        "postgresql://x_orders:ge@heim@postgres:5432/x_orders",
        "postgresql://x_orders:ge/heim@postgres:5432/x_orders",
        "postgresql://x_orders@postgres:5432/x_orders",
        "postgresql://x-orders:geheim@postgres:5432/x_orders",
        "postgresql://x_orders:geheim@postgres:5432/Orders",
        "postgresql://x_orders:geheim@postgres:5432",
        "sqlite:////data/orders.sqlite",
        "geheim",
    ],
)
def test_a_url_that_somebody_would_have_to_quote_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^DATABASE_URL_ORDERS: no usable URL; write ") as refused:
        work_of({**ENVIRONMENT, "DATABASE_URL_ORDERS": url})
    assert "heim" not in str(refused.value)


def test_a_server_made_with_another_password_says_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse(_work: object) -> None:
        raise SchemaError("cannot be prepared as postgres: InvalidPasswordError: password authentication failed")

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(migrate, "prepare", refuse)
    assert main() == 2
    assert "or begin with fresh data: make down volumes=1" in capsys.readouterr().err
