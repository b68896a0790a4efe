"""slo.yaml: every mistake is named with line and key, and FeastFast's own file covers what there is."""

import json
from pathlib import Path

import pytest

from loadtests.journeys import JOURNEYS
from observability.slo.loader import Slos, default_slo_path, load_slos
from services.document import DocumentError
from services.topology import Topology, topology_from_text

PUBLIC_API = Path(__file__).parents[3] / "docs" / "api" / "gateway.json"


def edited(tmp_path: Path, old: str, new: str) -> Path:
    text = default_slo_path().read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "slo.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "threshold: 1s",
            "threshold: 900ms",
            "is no boundary of the histograms; allowed: 5ms, 10ms, 25ms, 50ms, 75ms, 100ms, 250ms",
        ),
        ("objective: 99}", "objective: 90}", "objective: Input should be greater than or equal to 95"),
        ("objective: 99}", "objective: 100}", "objective: Input should be less than 100"),
        ("  gateway:\n", "  gatewy:\n", "services.gatewy: unknown service 'gatewy'; allowed: gateway, users"),
        ("needs: [restaurants]", "needs: [restorants]", "journeys.browse.needs.0: unknown service 'restorants'"),
        ("needs: [restaurants]", "needs: [gateway]", "is the entry, which every journey needs; name those behind it"),
        (
            "needs: [deliveries]",
            "needs: [payments]",
            "no request gets to payments through what the journey needs; it is called by: orders",
        ),
        ("  browse:\n", "  orders:\n", "journeys.orders: is a service's name as well; alerts could not be told apart"),
        (
            "list: GET /v1/restaurants\n",
            "list: FETCH /v1/restaurants\n",
            "journeys.browse.steps.list: String should match pattern",
        ),
        (
            "list: GET /v1/restaurants\n",
            'list: GET /v1/rest"aurants\n',
            "journeys.browse.steps.list: String should match pattern",
        ),
        ("period: 720h", "period: 720", "period: 720 is not a duration"),
        ("period: 720h", "period: 72h", "72h is no period; allowed: whole seconds, more than the longest window, 72h"),
        ("period: 720h", "period: 1000000001ms", "is no period; allowed: whole seconds"),
        ("    latency: {objective: 99, threshold: 250ms}\n", "", "latency: is missing"),
        ("    needs: [users]\n", "    kneads: [users]\n", "kneads: unknown key; allowed: availability, latency, needs, steps"),
    ],
)
def test_a_mistake_is_named_with_its_line_its_key_and_what_is_allowed(
    tmp_path: Path, topology: Topology, old: str, new: str, told: str
) -> None:
    path = edited(tmp_path, old, new)
    with pytest.raises(DocumentError) as raised:
        load_slos(path, topology)
    assert told in str(raised.value)
    assert str(raised.value).startswith(f"{path}:")


def test_the_objectives_of_feastfast_cover_every_journey_and_step_of_the_load(slos: Slos) -> None:
    assert {name: tuple(journey.steps) for name, journey in slos.journeys.items()} == {
        name: journey.steps for name, journey in JOURNEYS.items()
    }


def test_every_step_is_a_route_of_the_public_api(slos: Slos) -> None:
    paths = json.loads(PUBLIC_API.read_text(encoding="utf-8"))["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert {step for journey in slos.journeys.values() for step in journey.steps.values()} - routes == set()


def test_the_objectives_of_feastfast_cover_every_service(slos: Slos, topology: Topology) -> None:
    assert set(slos.file.services) == set(topology.services)


def test_objectives_of_another_system_are_refused_for_a_map_that_does_not_have_its_services() -> None:
    other = topology_from_text("services: {shop: {module: shop.main, entry: true}}")
    with pytest.raises(DocumentError, match="unknown service"):
        load_slos(None, other)
