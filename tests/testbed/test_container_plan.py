"""What a container is told, and what is said of what it cannot use."""

from pathlib import Path

import pytest

from services.document import DocumentError
from testbed.container.plan import plan_container

FOLDER = Path("/run/firebreak")
ENVIRONMENT = {
    "FIREBREAK_SERVICE": "orders",
    "FIREBREAK_REPLICA": "2",
    "FIREBREAK_PORT": "8080",
    "FIREBREAK_ADDRESSES": "http://{service}-{replica}:8080",
    "FIREBREAK_DATABASE_URL": "postgresql://firebreak_orders:secret@postgres:5432/firebreak_orders",
    "FIREBREAK_INTERNAL_TOKEN": "a",
    "FIREBREAK_CHAOS_TOKEN": "b",
    "FIREBREAK_SIGNING_KEY": "c",
}


def test_a_replica_is_kept_on_its_port_and_told_where_to_say_that_it_listens() -> None:
    plan = plan_container(ENVIRONMENT, FOLDER)
    command = plan.instance.command(8080)
    assert (plan.instance.name, plan.instance.module, plan.instance.port) == ("orders/2", "services.orders.main", 8080)
    assert command.environment == {"NOTIFY_SOCKET": "/run/firebreak/notify.sock", "FIREBREAK_PORT": "8080"}
    assert plan.address.base_url == "http://orders-2:8080"


def test_where_it_keeps_its_data_is_told_without_the_password() -> None:
    assert plan_container(ENVIRONMENT, FOLDER).data == "postgresql://postgres:5432/firebreak_orders"
    assert plan_container({**ENVIRONMENT, "FIREBREAK_SERVICE": "gateway", "FIREBREAK_REPLICA": "1"}, FOLDER).data == ""


@pytest.mark.parametrize(
    "variable", ["FIREBREAK_INTERNAL_TOKEN", "FIREBREAK_CHAOS_TOKEN", "FIREBREAK_SIGNING_KEY", "FIREBREAK_ADDRESSES"]
)
def test_what_is_missing_is_named(variable: str) -> None:
    with pytest.raises(ValueError, match=f"^{variable}: not set"):
        plan_container({**ENVIRONMENT, variable: ""}, FOLDER)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"FIREBREAK_PORT": ""}, "^FIREBREAK_PORT: .* allowed: 1 to 65535"),
        ({"FIREBREAK_REPLICA": "3"}, "has no orders/3; allowed: gateway/1, .*orders/1, orders/2"),
        ({"FIREBREAK_SERVICE": "kitchen"}, "has no kitchen/2; allowed: "),
        ({"FIREBREAK_WITHOUT": "brakes"}, "brakes"),
        ({"FIREBREAK_PROFIL": "none"}, "did you mean FIREBREAK_PROFILE"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(changed: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        plan_container({**ENVIRONMENT, **changed}, FOLDER)


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises((DocumentError, OSError), match=r"map\.yaml"):
        plan_container({**ENVIRONMENT, "FIREBREAK_TOPOLOGY": str(tmp_path / "map.yaml")}, FOLDER)
