import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.registry import InstanceState
from testbed.control import ProcessLease
from testbed.metrics_server import MetricsServer, Scrape
from testbed.system_metrics import Kept, exposition

REPLICAS = [
    Kept("orders", "orders/1", InstanceState.UP, 0),
    Kept("orders", "orders/2", InstanceState.UP, 2),
    Kept("orders", "orders/3", InstanceState.DOWN, 3),
    Kept("gateway", "gateway/1", InstanceState.STARTING, 0),
]


def lease(kind: str, instance: str) -> ProcessLease:
    return ProcessLease.model_validate(
        {"id": kind + instance, "kind": kind, "instance": instance, "granted_at": 0, "remaining_ms": 1, "source": "a test"}
    )


def samples(leases: list[ProcessLease]) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(exposition(REPLICAS, leases).decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_replicas_are_counted_by_service_and_state_and_none_of_a_state_is_zero() -> None:
    told = samples([lease("pause", "orders/1"), lease("kill", "orders/3")])
    states = {key[2]: value for key, value in told.items() if key[:2] == ("testbed_replicas", "orders")}
    assert states == {"up": 1, "paused": 1, "down": 1, "starting": 0}
    assert told["testbed_replicas", "gateway", "starting"] == 1


def test_restarts_are_those_of_all_replicas_of_a_service() -> None:
    assert samples([])["testbed_restarts_total", "orders"] == 5
    assert samples([])["testbed_restarts_total", "gateway"] == 0


def test_process_faults_are_counted_where_they_act() -> None:
    told = samples([lease("kill", "orders/1"), lease("kill", "orders/2"), lease("pause", "gateway/1")])
    assert {key[1:]: value for key, value in told.items() if key[0] == "chaos_active_faults"} == {
        ("kill", "orders"): 2,
        ("pause", "gateway"): 1,
    }


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = MetricsServer(lambda: Scrape("text/plain", b"x 1\n"))
    yield await server.open()
    server.close()


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_scrape_is_answered_and_everything_else_is_not_found(port: int) -> None:
    head, _, body = (await ask(port, b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4")
    assert body == b"x 1\n"
    for request in (b"POST /metrics HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\r\n\r\n"):
        assert (await ask(port, request)).startswith(b"HTTP/1.1 404")


async def test_what_is_no_request_is_cut_off_and_the_next_one_answered(port: int) -> None:
    assert await ask(port, b"x" * 100_000) == b""
    assert (await ask(port, b"GET /metrics HTTP/1.1\r\n\r\n")).endswith(b"x 1\n")
