"""Reading what a real engine says of its containers."""

import json

import pytest

from chaos.targets.compose.engine import EngineError
from chaos.targets.compose.inspection import read_inspection
from tests.chaos.compose.fake_engine import INSPECTED


def test_a_service_container_is_read_with_labels_ports_health_and_variables() -> None:
    gateway = read_inspection(INSPECTED.read_bytes())[0]
    assert (gateway.name, gateway.compose_service) == ("firebreak-gateway-1-1", "gateway-1")
    assert (gateway.state, gateway.health, gateway.runs) == ("running", "healthy", True)
    assert gateway.ports == {8080: 8080}
    assert gateway.environment["FIREBREAK_CHAOS_TOKEN"] == "secret-firebreak-chaos-token"
    assert gateway.mounts["/etc/firebreak/topology.yaml"] == "/home/me/firebreak/services/topology.yaml"
    assert gateway.labels["firebreak.service"] == "gateway"
    assert 1_790_000_000 < gateway.started_at < 1_800_000_000


def test_a_published_port_differs_from_the_one_inside() -> None:
    orders = read_inspection(INSPECTED.read_bytes())[1]
    assert list(orders.ports) == [8080]
    assert orders.ports[8080] > 30_000


def test_one_that_ended_publishes_nothing_and_one_that_publishes_nothing_has_no_port() -> None:
    _, _, migrate, postgres = read_inspection(INSPECTED.read_bytes())
    assert (migrate.state, migrate.health, dict(migrate.ports)) == ("exited", "", {})
    assert (postgres.runs, dict(postgres.ports)) == (True, {})


def test_variables_are_not_shown_by_chance() -> None:
    assert "secret" not in repr(read_inspection(INSPECTED.read_bytes()))


def test_a_container_that_was_never_started_has_no_start() -> None:
    facts = json.loads(INSPECTED.read_bytes())[:1]
    facts[0]["State"] = {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z"}
    (container,) = read_inspection(json.dumps(facts).encode())
    assert (container.started_at, container.runs) == (0.0, False)


@pytest.mark.parametrize("text", [b"", b"{}", b"[{}]", b'[{"Id": 1}]', b"Cannot connect"])
def test_anything_else_is_no_description(text: bytes) -> None:
    with pytest.raises(EngineError, match="is no description of containers"):
        read_inspection(text)
