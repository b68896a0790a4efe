"""The map: FeastFast's own is whole, and what is wrong in anybody's is named where it stands."""

from pathlib import Path

import pytest

from services.document import DocumentError
from services.policy import EdgePolicy, FallbackKind
from services.topology import MAX_REPLICAS, MAX_SERVICES, default_topology_path, load_topology, split_edge, topology_from_text

SERVICES = "services:\n  shop: {module: shop.main, entry: true}\n  bank: {module: bank.main}\n"


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        topology_from_text(text, "map.yaml")
    return [str(mistake) for mistake in caught.value.mistakes]


def edge(policy: str) -> str:
    """A map whose fifth line is the policy of its only edge."""
    return SERVICES + f"edges:\n  shop->bank: {policy}\n"


def test_feastfast_runs_nine_processes_and_gateway_is_its_only_entry() -> None:
    topology = load_topology()
    assert {name: service.replicas for name, service in topology.services.items()} == {
        "gateway": 1,
        "users": 1,
        "restaurants": 1,
        "orders": 2,
        "payments": 2,
        "deliveries": 1,
        "notifications": 1,
    }
    assert topology.entry == "gateway"


def test_feastfast_keeps_data_in_every_service_but_its_gateway() -> None:
    topology = load_topology()
    assert [name for name, service in topology.services.items() if not service.database] == ["gateway"]


def test_feastfast_orders_calls_four_services() -> None:
    assert sorted(load_topology().callees("orders")) == ["deliveries", "notifications", "payments", "restaurants"]


def test_feastfast_protects_every_edge_with_calls_by_a_deadline_a_timeout_and_a_breaker_or_throttle() -> None:
    called = {name: policy for name, policy in load_topology().edges.items() if policy != EdgePolicy()}
    assert set(load_topology().edges) - set(called) == {"orders->notifications", "deliveries->orders"}, "events alone go there"
    for name, policy in called.items():
        assert policy.deadline_ms, name
        assert policy.timeout, name
        assert bool(policy.breaker) != bool(policy.throttle), f"{name}: one of the two; together they starve each other"


def test_feastfast_defers_an_assignment_and_answers_tracking_from_a_constant() -> None:
    edges = load_topology().edges
    kinds = {name: policy.fallback.kind for name, policy in edges.items() if policy.fallback}
    assert kinds["orders->deliveries"] is FallbackKind.DEFER
    assert kinds["gateway->deliveries"] is FallbackKind.STATIC


def test_every_service_of_feastfast_is_a_module_with_a_main() -> None:
    root = default_topology_path().parent.parent
    for service in load_topology().services.values():
        source = (root / service.module.replace(".", "/")).with_suffix(".py").read_text()
        assert "def main() -> None:" in source


def test_a_callee_is_listed_only_for_its_own_caller() -> None:
    topology = topology_from_text(edge("{}"))
    assert (topology.callees("shop"), topology.callees("bank")) == (("bank",), ())


def test_an_edge_has_two_ends() -> None:
    assert split_edge("shop->bank") == ("shop", "bank")


@pytest.mark.parametrize("text", ["shop-bank", "shop->", "->bank", "->", ""])
def test_what_has_not_two_ends_is_no_edge(text: str) -> None:
    with pytest.raises(ValueError, match="is no edge; write caller->callee"):
        split_edge(text)


def test_an_edge_from_or_to_an_unknown_service_is_named_with_the_known_ones() -> None:
    assert mistakes_in(SERVICES + "edges:\n  shop->bnak: {}\n  mall->bank: {}\n") == [
        "map.yaml:5: edges.shop->bnak: unknown service 'bnak'; allowed: shop, bank",
        "map.yaml:6: edges.mall->bank: unknown service 'mall'; allowed: shop, bank",
    ]


def test_an_edge_without_an_arrow_is_named() -> None:
    assert mistakes_in(SERVICES + "edges:\n  shop-bank: {}\n") == [
        "map.yaml:5: edges.shop-bank: 'shop-bank' is no edge; write caller->callee"
    ]


def test_a_service_does_not_call_itself() -> None:
    assert mistakes_in(SERVICES + "edges:\n  shop->shop: {}\n") == [
        "map.yaml:5: edges.shop->shop: a service does not call itself"
    ]


@pytest.mark.parametrize("entries", [(), ("a", "b")])
def test_there_is_exactly_one_entry(entries: tuple[str, ...]) -> None:
    lines = [f"  {name}: {{module: m, entry: {str(name in entries).lower()}}}\n" for name in ("a", "b")]
    assert mistakes_in("services:\n" + "".join(lines)) == [
        f"map.yaml:1: services: exactly one service has `entry: true`, not {len(entries)}"
    ]


@pytest.mark.parametrize("name", ["Shop", "my_shop", "2shops", "-shop", "a" * 32])
def test_a_service_name_is_one_that_hosts_can_have(name: str) -> None:
    assert mistakes_in(f"services:\n  {name}: {{module: m, entry: true}}\n") == [
        f"map.yaml:2: services.{name}: is no service name; allowed: lower-case letters, digits and dashes, up to 31"
    ]


def test_a_port_has_one_owner() -> None:
    text = "services:\n  a: {module: m, entry: true, port: 80}\n  b:\n    module: m\n    port: 80\n"
    assert mistakes_in(text) == ["map.yaml:5: services.b.port: 80 is already a's"]


def test_a_fixed_port_cannot_serve_two_replicas() -> None:
    assert mistakes_in("services:\n  a: {module: m, entry: true, port: 80, replicas: 2}\n") == [
        "map.yaml:2: services.a: a fixed port (80) cannot serve 2 replicas; drop `port` or set `replicas: 1`"
    ]


@pytest.mark.parametrize("replicas", [0, -1, MAX_REPLICAS + 1])
def test_replicas_have_bounds(replicas: int) -> None:
    (only,) = mistakes_in(f"services:\n  a: {{module: m, entry: true, replicas: {replicas}}}\n")
    assert only.startswith("map.yaml:2: services.a.replicas: Input should be ")


def test_services_have_a_bound() -> None:
    many = "".join(f"  s{n}: {{module: m}}\n" for n in range(MAX_SERVICES + 1))
    (only,) = mistakes_in("services:\n" + many)
    assert only.startswith("map.yaml:1: services: Dictionary should have at most 50 items")


def test_a_map_without_services_is_no_map() -> None:
    assert mistakes_in("services: {}\n")[0].startswith("map.yaml:1: services: Dictionary should have at least 1 item")
    assert mistakes_in("edges: {}\n") == ["map.yaml:1: services: is missing"]


def test_a_module_is_a_dotted_name_not_a_command() -> None:
    (only,) = mistakes_in("services:\n  a: {module: 'm; rm -rf', entry: true}\n")
    assert only.startswith("map.yaml:2: services.a.module: String should match pattern")


@pytest.mark.parametrize(
    ("policy", "place", "problem"),
    [
        ("{deadline: 1s, timeout: {attempt: 2s}}", "", "timeout.attempt (2s) is longer than deadline (1s): the attempt could"),
        ("{timeout: {attempt: 100ms}}", ".timeout", "timeout.connect is longer than timeout.attempt, which contains it"),
        ("{budget: {}}", "", "budget limits retries and hedges, but this edge declares neither"),
        (
            "{breaker: {permitted_calls_in_half_open: 3}}",
            ".breaker",
            "permitted_calls_in_half_open (3) is above success_threshold",
        ),
        ("{retry: {max_attempts: 1}}", ".retry.max_attempts", "Input should be greater than or equal to 2"),
        ("{retry: {retryable_statuses: [429]}}", ".retry.retryable_statuses.0", "Input should be greater than or equal to 500"),
        ("{fallback: {kind: magic}}", ".fallback.kind", "Input should be 'static', 'cached', 'stale_while_error' or 'defer'"),
        ("{balancer: best}", ".balancer", "Input should be 'power_of_two' or 'round_robin'"),
        ("{deadline: 300}", ".deadline", "300 is not a duration; write a positive number and a unit (us, ms, s, m, h)"),
        ("{braeker: {}}", ".braeker", "unknown key; allowed: balancer, breaker, budget, bulkhead, deadline"),
    ],
)
def test_a_protection_that_cannot_work_is_named_with_its_edge(policy: str, place: str, problem: str) -> None:
    (only,) = mistakes_in(edge(policy))
    assert only.startswith(f"map.yaml:5: edges.shop->bank{place}: {problem}")


def test_feastfast_answers_a_wanted_courier_with_an_assigned_one() -> None:
    events = load_topology().events
    assert events["order.courier_wanted"].consumers == (events["courier.assigned"].producer,) == ("deliveries",)
    assert events["courier.assigned"].consumers == (events["order.courier_wanted"].producer,) == ("orders",)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ("shop.sold: {producer: shop, consumers: [nobody]}", "events.shop.sold: unknown service 'nobody'; allowed: shop, bank"),
        ("shop.sold: {producer: nobody, consumers: [bank]}", "events.shop.sold: unknown service 'nobody'; allowed: shop, bank"),
        ("shop.sold: {producer: bank, consumers: [shop]}", "events.shop.sold: needs the edge bank->shop; declare it under edges"),
        (
            "Sold!: {producer: shop, consumers: [bank]}",
            "events.Sold!: is no type of event; allowed: two words, as in order.accepted",
        ),
    ],
)
def test_an_event_that_cannot_travel_is_named_where_it_stands(event: str, problem: str) -> None:
    assert f"map.yaml:7: {problem}" in mistakes_in(edge("{deadline: 2s}") + f"events:\n  {event}\n")


@pytest.mark.parametrize("external", ["{service_time: 40, slots: 3}", "{service_time: 40ms, slots: 0}", "{slots: 3}"])
def test_a_system_outside_has_a_service_time_with_a_unit_and_a_slot(external: str) -> None:
    (only,) = mistakes_in(f"services:\n  bank: {{module: bank.main, entry: true, external: {external}}}\n")
    assert only.startswith("map.yaml:2: services.bank.external.")


def test_a_map_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(edge("{deadline: 2s}"))
    assert load_topology(path).edges["shop->bank"].deadline_ms == 2_000


def test_the_map_that_was_read_last_is_not_made_again_until_its_text_is_another(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(SERVICES)
    first = load_topology(path)
    assert load_topology(path) is first
    path.write_text(SERVICES.replace("bank.main", "bank.other"))
    assert load_topology(path).services["bank"].module == "bank.other"
