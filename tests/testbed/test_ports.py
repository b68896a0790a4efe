import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.topology import Topology, topology_from_text
from testbed.ports import HOST, PortError, choose_ports, free_port, is_free, listener_of, unused_ports


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server((HOST, 0)) as server:
        yield server


def shop(port: int) -> Topology:
    return topology_from_text(
        f"services:\n  shop: {{module: shop, port: {port}, entry: true}}\n  stock: {{module: stock, replicas: 2}}\n"
        "  till: {module: till}\n"
    )


def test_with_free_ports_nothing_stays_well_known_and_nothing_is_shared() -> None:
    ports = choose_ports(shop(18_080), {}, free_ports=True)
    assert set(ports) == {"shop", "traces", "otlp"}
    assert len(set(ports.values())) == 3
    assert not {18_080, 16_686, 4_318} & set(ports.values())


def test_a_port_that_was_asked_for_wins_over_everything() -> None:
    port = free_port()
    assert choose_ports(shop(18_080), {"till": port}, free_ports=True)["till"] == port


def test_a_taken_port_is_named_with_who_listens_and_the_way_out(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    others = {"traces": free_port(), "otlp": free_port()}
    with pytest.raises(PortError) as refused:
        choose_ports(shop(port), others, free_ports=False)
    first, advice = str(refused.value).splitlines()
    assert first == f"port {port} (shop) is taken by {listener_of(port)}"
    assert f"(process {os.getpid()})" in first
    assert "--free-ports" in advice
    assert "--port shop=" in advice


@pytest.mark.parametrize(
    ("name", "port", "complaint"),
    [
        ("stock", 1_234, "'stock' has no single port; allowed: shop, till, traces, otlp"),
        ("till", 70_000, "a port is a number from 1 to 65535"),
    ],
)
def test_a_port_that_nobody_can_have_is_refused_with_what_is_allowed(name: str, port: int, complaint: str) -> None:
    with pytest.raises(PortError, match=complaint):
        choose_ports(shop(18_080), {name: port}, free_ports=True)


def test_two_who_ask_for_one_port_are_both_named() -> None:
    port = free_port()
    with pytest.raises(PortError, match=f"port {port} is asked for by both traces and otlp"):
        choose_ports(shop(18_080), {"traces": port, "otlp": port}, free_ports=True)


def test_a_program_s_port_is_a_wish_that_yields_to_whoever_has_it(listener: socket.socket) -> None:
    taken, free, gateway = listener.getsockname()[1], free_port(), free_port()
    wishes = {"prometheus": taken, "alertmanager": free, "grafana": gateway}
    others = {"shop": gateway, "traces": free_port(), "otlp": free_port()}
    ports = choose_ports(shop(18_080), others, free_ports=False, programs=wishes)
    assert ports["alertmanager"] == free
    assert len({taken, gateway, ports["prometheus"], ports["grafana"]}) == 4
    assert set(choose_ports(shop(18_080), {}, free_ports=True, programs=wishes).values()).isdisjoint(wishes.values())


def test_a_program_s_port_that_was_asked_for_is_no_wish(listener: socket.socket) -> None:
    taken = listener.getsockname()[1]
    with pytest.raises(PortError, match=rf"port {taken} \(prometheus\) is taken"):
        choose_ports(shop(18_080), {"prometheus": taken}, free_ports=True, programs={"prometheus": 9_090})
    with pytest.raises(PortError, match=r"'prometheus' has no single port; allowed: shop, till, traces, otlp$"):
        choose_ports(shop(18_080), {"prometheus": taken}, free_ports=True)


def test_a_port_is_free_until_somebody_listens(listener: socket.socket) -> None:
    assert is_free(HOST, free_port())
    assert not is_free(HOST, listener.getsockname()[1])


def test_a_system_that_does_not_tell_who_listens_is_no_error(tmp_path: Path) -> None:
    assert listener_of(80, proc=tmp_path) == ""


def test_free_ports_are_not_among_those_that_outgoing_connections_usually_get() -> None:
    assert max(unused_ports(20)) < 32_768


def test_unused_ports_differ_and_are_none_of_those_that_are_spoken_for() -> None:
    besides = range(20_000, 32_000)  # So that the kernel chooses.
    ports = unused_ports(20, besides=besides)
    assert len(set(ports)) == 20
    assert set(ports).isdisjoint(besides)


def test_an_address_of_no_interface_has_no_free_port() -> None:
    with pytest.raises(OSError, match="assign"):
        unused_ports(1, "203.0.113.1")
