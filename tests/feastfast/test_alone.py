"""What each service does while none of the others runs: it starts, answers what it can, and says what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from observability import names
from services.topology import load_topology

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feastfast.system import Start

SERVICES = tuple(load_topology().services)
ORDER = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_starts_and_is_ready_without_the_others(tmp_path: Path, start: Start, service: str) -> None:
    async with start(tmp_path, services=(service,)) as system:
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert (await system.ask("GET", path, service=service)).status == 200, path
        for path in ("/openapi.json", "/docs"):  # Only the entry tells strangers what there is.
            assert (await system.ask("GET", path, service=service)).status == (200 if service == "gateway" else 404), path
        unknown = await system.ask("GET", "/nothing", service=service)
        assert (unknown.status, unknown.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("service", "method", "path", "body"),
    [
        ("users", "POST", "/internal/sign-in", {"email": "customer-0001@feastfast.example", "password": "correct-horse-battery"}),
        (
            "restaurants",
            "PUT",
            f"/internal/reservations/{ORDER}",
            {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1}]},
        ),
        ("orders", "GET", "/internal/audit", None),
        ("payments", "PUT", f"/internal/payments/{ORDER}/authorisation", {"customer_id": 1, "amount_cents": 100}),
        ("deliveries", "PUT", f"/internal/assignments/{ORDER}", {"customer_id": 1}),
        ("notifications", "GET", "/internal/notifications?customer_id=1", None),
    ],
)
async def test_a_service_does_its_own_work_without_the_others(
    tmp_path: Path, start: Start, service: str, method: str, path: str, body: object
) -> None:
    async with start(tmp_path, services=(service,)) as system:
        answer = await system.internal(service, method, path, body)
        assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/sessions", 503),
        ("GET", "/v1/restaurants", 503),
        ("GET", "/v1/restaurants/7/menu", 503),
        ("POST", "/v1/orders", 503),
        ("GET", f"/v1/orders/{ORDER}", 503),
        ("GET", f"/v1/orders/{ORDER}/tracking", 200),
        ("GET", "/v1/notifications", 200),
    ],
)
async def test_the_gateway_alone_serves_what_has_a_fallback_and_says_who_is_missing_for_the_rest(
    tmp_path: Path, start: Start, method: str, path: str, status: int
) -> None:
    bodies = {
        "/v1/sessions": {"email": "customer-0001@feastfast.example", "password": "x"},
        "/v1/orders": {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1}]},
    }
    async with start(tmp_path, services=("gateway",)) as system:
        answer = await system.customer().ask(method, path, bodies.get(path))
        assert answer.status == status, answer.body
        if status == 200:
            assert answer.headers["Degraded"] == "static"
        else:
            assert "no instance is up" in answer.json["detail"]


async def test_orders_alone_accepts_no_order(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, services=("orders",)) as system:
        body = {"customer_id": 1, "restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1}]}
        answer = await system.internal("orders", "POST", "/internal/orders", body)
        assert (answer.status, "orders->restaurants: no instance is up" in answer.json["detail"]) == (424, True)
        assert system.rows("orders", "SELECT status FROM orders") == [("cancelled",)]


async def test_two_replicas_that_start_together_share_one_file(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, services=("payments",)) as system:
        charge = {"customer_id": 1, "amount_cents": 100}
        for replica in ("payments/1", "payments/2"):
            assert (await system.internal(replica, "PUT", f"/internal/payments/{ORDER}/authorisation", charge)).status == 200
        assert system.rows("payments", "SELECT count(*) FROM payments") == [(1,)]


async def test_a_collector_that_is_not_there_costs_spans_and_nothing_else(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, services=("deliveries",), otlp_endpoint="http://127.0.0.1:9") as system:
        for _ in range(3):
            answer = await system.internal("deliveries", "PUT", f"/internal/assignments/{ORDER}", {"customer_id": 1})
            assert answer.status == 200
        await system.flush()
        metrics = (await system.ask("GET", "/metrics", service="deliveries")).body.decode()
        [dropped] = [line for line in metrics.splitlines() if line.startswith(f'{names.TELEMETRY_DROPPED}{{signal="traces"}} ')]
        assert float(dropped.split()[1]) >= 3
