"""What traces and logs show of an order: one trace of all who took part, lines that lead to it, and nothing secret."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from random import randbytes
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import uvicorn

from chaos.faults import Error
from observability import names
from observability.propagation import CARRIED
from observability.store.settings import StoreSettings
from observability.store.store import Store, TwoSides
from observability.trace_options import TracePath

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.feastfast.customer import Answer, Customer
    from tests.feastfast.system import FeastFast, Start

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLER_SPAN = "b7ad6b7169203331"


@dataclass(frozen=True)
class Span:
    """One span of a Jaeger answer."""

    service: str
    name: str
    id: str
    parent: str
    tags: dict[str, Any]
    events: tuple[str, ...]

    @property
    def kind(self) -> str:
        return str(self.tags["span.kind"])


@dataclass(frozen=True)
class Traced:
    """A system and the store that its spans go to."""

    system: FeastFast
    jaeger: str

    async def trace(self, trace_id: str) -> list[Span]:
        """All spans of a trace, once those that are ready have been sent."""
        await self.system.flush()
        async with self.system.session.get(f"{self.jaeger}/api/traces/{trace_id}") as response:
            assert response.status == 200, await response.text()
            [trace] = (await response.json())["data"]
        return [_span(span, trace["processes"]) for span in trace["spans"]]

    async def order(self, customer: Customer) -> tuple[Answer, list[Span]]:
        """Places an order as the load does, with a trace of its own, and waits until all of it is done."""
        trace_id = randbytes(16).hex()
        answer = await customer.order(traceparent=f"00-{trace_id}-{CALLER_SPAN}-01")
        await self.system.eventually(self.system.settled)
        return answer, await self.trace(trace_id)


def _span(span: dict[str, Any], processes: dict[str, Any]) -> Span:
    [parent] = [reference["spanID"] for reference in span["references"]] or [""]
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    events = [entry["value"] for log in span["logs"] for entry in log["fields"] if entry["key"] == "event"]
    return Span(processes[span["processID"]]["serviceName"], span["operationName"], span["spanID"], parent, tags, tuple(events))


@contextmanager
def telemetry_store(folder: Path) -> Iterator[tuple[str, str]]:
    """A store in a thread of its own, as its senders block the event loop when they end. Yields its two base URLs."""
    settings = StoreSettings.from_environment({"FIREBREAK_STORE_PATH": str(folder / "telemetry.sqlite")})
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    query, otlp = (listener.getsockname()[1] for listener in listeners)
    store = Store(settings)
    store.start()
    config = uvicorn.Config(TwoSides(store.query, store.receiver, otlp), lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=(listeners,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{query}", f"http://127.0.0.1:{otlp}"
    finally:
        server.should_exit = True
        thread.join()
        store.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=TracePath)
async def traced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, start: Start) -> AsyncIterator[Traced]:
    """Once on each path: whatever is said here is said of both."""
    folder = tmp_path_factory.mktemp("traced")
    with telemetry_store(folder) as (jaeger, otlp):
        async with start(folder, otlp_endpoint=otlp, tracing=TracePath(request.param)) as system:
            yield Traced(system, jaeger)


def servers(spans: list[Span]) -> list[tuple[str, str]]:
    return sorted((span.service, span.name) for span in spans if span.kind == "server")


def calls(spans: list[Span]) -> list[str]:
    return sorted(span.tags[names.ATTR_EDGE] for span in spans if names.ATTR_EDGE in span.tags and span.kind == "client")


async def test_an_order_is_one_trace_with_one_server_span_a_service_and_one_client_span_a_call(
    traced: Traced,
) -> None:
    answer, spans = await traced.order(traced.system.customer())
    assert answer.json["status"] == "confirmed"
    assert servers(spans) == [
        ("deliveries", "PUT /internal/assignments/{order_id}"),
        ("gateway", "POST /v1/orders"),
        ("notifications", "POST /internal/events"),
        ("orders", "POST /internal/orders"),
        ("payments", "PUT /internal/payments/{order_id}/authorisation"),
        ("payments", "PUT /internal/payments/{order_id}/capture"),
        ("restaurants", "POST /internal/events"),
        ("restaurants", "PUT /internal/reservations/{order_id}"),
    ]
    assert calls(spans) == [
        "gateway->orders",
        "orders->deliveries",
        "orders->notifications",
        "orders->payments",
        "orders->payments",
        "orders->restaurants",
        "orders->restaurants",
    ]


async def test_every_span_of_an_order_hangs_below_the_customers_and_each_server_below_its_caller(traced: Traced) -> None:
    _, spans = await traced.order(traced.system.customer())
    by_id = {span.id: span for span in spans}
    assert [span.service for span in spans if span.parent not in by_id] == ["gateway"]
    root = next(span for span in spans if span.parent not in by_id)
    assert (root.parent, root.kind) == (CALLER_SPAN, "server")
    for span in spans:
        if span.kind == "server" and span is not root:
            call = by_id[span.parent]
            assert (call.kind, call.tags[names.ATTR_EDGE].partition("->")[2]) == ("client", span.service)
            assert call.service == call.tags[names.ATTR_EDGE].partition("->")[0]


async def test_an_order_shows_the_statements_of_each_database(traced: Traced) -> None:
    _, spans = await traced.order(traced.system.customer())
    statements = Counter((span.service, span.name) for span in spans if names.ATTR_DB_SYSTEM in span.tags)
    assert {service for service, _ in statements} == {"orders", "restaurants", "payments", "deliveries", "notifications"}
    assert statements["payments", "INSERT payments"] == 5, "the payment, and two transactions with their entries"
    assert statements["deliveries", "INSERT deliveries"] == 1
    by_id = {span.id: span for span in spans}
    for span in spans:
        if names.ATTR_DB_SYSTEM in span.tags:
            assert (span.kind, span.tags[names.ATTR_DB_SYSTEM]) == ("client", "sqlite")
            assert (by_id[span.parent].service, by_id[span.parent].kind) in {(span.service, "server"), (span.service, "consumer")}


async def test_an_event_is_published_and_consumed_in_the_trace_of_its_order(traced: Traced) -> None:
    _, spans = await traced.order(traced.system.customer())
    by_id = {span.id: span for span in spans}
    consumed = {span.service: span for span in spans if span.kind == "consumer"}
    assert {(name, span.name) for name, span in consumed.items()} == {
        ("notifications", "process order.accepted"),
        ("restaurants", "process order.accepted"),
    }
    for name, span in consumed.items():
        request = by_id[span.parent]
        attempt = by_id[request.parent]
        published = by_id[attempt.parent]
        assert (request.name, attempt.tags[names.ATTR_EDGE]) == ("POST /internal/events", f"orders->{name}")
        assert (published.service, published.kind, published.name) == ("orders", "producer", "publish order.accepted")
        assert by_id[published.parent].name == "POST /internal/orders"


async def test_spans_carry_the_stable_names_of_the_http_conventions(traced: Traced) -> None:
    _, spans = await traced.order(traced.system.customer())
    for span in spans:
        if span.kind == "server" or names.ATTR_EDGE in span.tags:
            assert {"http.request.method", "http.response.status_code"} <= set(span.tags)
            assert "http.method" not in span.tags


async def test_the_journey_that_a_customer_is_on_is_told_by_every_server_of_its_trace(traced: Traced) -> None:
    trace_id = randbytes(16).hex()
    told = {"traceparent": f"00-{trace_id}-{CALLER_SPAN}-01", "baggage": "firebreak.journey=order,firebreak.arm=none,who=ann"}
    await traced.system.customer().order(**told)
    await traced.system.eventually(traced.system.settled)
    spans = await traced.trace(trace_id)
    found = {span.service: {key: span.tags.get(key) for key in CARRIED} for span in spans if span.kind == "server"}
    assert set(found) == {"gateway", "orders", "restaurants", "payments", "deliveries", "notifications"}, "events carry it too"
    assert all(told == {names.ATTR_JOURNEY: "order", names.ATTR_ARM: "none", names.ATTR_RUN: None} for told in found.values())
    assert "ann" not in repr(spans)


async def test_the_trace_of_a_deferred_order_tells_the_whole_story(traced: Traced) -> None:
    await traced.system.inject("deliveries", Error(status=503))
    customer = traced.system.customer()
    trace_id = randbytes(16).hex()
    placed = await customer.order(traceparent=f"00-{trace_id}-{CALLER_SPAN}-01")
    assert placed.headers["Degraded"] == "defer"
    await traced.system.heal("deliveries")
    await traced.system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
    await traced.system.eventually(traced.system.settled)
    spans = await traced.trace(trace_id)
    hit = [span for span in spans if names.EVENT_CHAOS in span.events]
    assert {(span.service, span.kind, span.tags["http.response.status_code"]) for span in hit} == {("deliveries", "server", 503)}
    [placing] = [span for span in spans if span.name == "POST /internal/orders" and span.kind == "server"]
    assert {names.EVENT_RETRY, names.EVENT_FALLBACK} <= set(placing.events)
    assert placing.tags[names.ATTR_DEGRADED] == "defer"
    attempts = [span for span in spans if span.parent == placing.id and span.tags.get(names.ATTR_EDGE) == "orders->deliveries"]
    assert [span.tags.get(names.ATTR_RESEND_COUNT) for span in attempts] == [None, 1]
    assert "process order.courier_wanted" in {span.name for span in spans if span.kind == "consumer"}


async def test_health_metrics_and_chaos_control_are_not_traced(traced: Traced) -> None:
    trace_id = randbytes(16).hex()
    headers = {"traceparent": f"00-{trace_id}-{CALLER_SPAN}-01"}
    for path in ("/health/live", "/health/ready", "/metrics", "/__chaos__/leases"):
        await traced.system.ask("GET", path, headers=headers)
    await traced.system.ask("GET", "/v1/restaurants", headers=headers)
    assert servers(await traced.trace(trace_id)) == [
        ("gateway", "GET /v1/restaurants"),
        ("restaurants", "GET /internal/restaurants"),
    ]


async def secrets_used(system: FeastFast, **headers: str) -> list[str]:
    """Signs in and orders. Returns all that is secret about it: nobody may read it anywhere."""
    wrong = {"email": "customer-0001@feastfast.example", "password": "a-wrong-password"}
    await system.ask("POST", "/v1/sessions", wrong, headers=headers)
    right = wrong | {"password": "correct-horse-battery"}
    token = (await system.ask("POST", "/v1/sessions", right, headers=headers)).json["token"]
    authorized = {"Authorization": f"Bearer {token}", **headers}
    await system.ask("POST", "/v1/orders", {"restaurant_id": 7, "items": []}, headers=authorized)
    await system.customer().order(**headers)
    keys = system.replicas["gateway/1"].settings
    return [wrong["password"], right["password"], token, keys.internal_token, keys.chaos_token, keys.signing_key]


async def test_no_span_shows_a_token_or_a_password(traced: Traced) -> None:
    trace_id = randbytes(16).hex()
    secrets = await secrets_used(traced.system, traceparent=f"00-{trace_id}-{CALLER_SPAN}-01")
    shown = repr(await traced.trace(trace_id))
    assert "POST /internal/sign-in" in shown
    assert [secret for secret in secrets if secret in shown] == []


async def test_what_is_logged_while_a_request_is_served_leads_to_its_trace(traced: Traced) -> None:
    before = len(traced.system.lines.getvalue())
    await traced.system.inject("payments", Error(status=500))
    answer = await traced.system.customer().order()
    await traced.system.heal("payments")
    await traced.system.eventually(traced.system.settled)
    spans = await traced.trace(answer.json["trace_id"])
    lines = [json.loads(line) for line in traced.system.lines.getvalue()[before:].splitlines()]
    [undone] = [line for line in lines if "is undone" in line["message"]]
    assert (undone["level"], undone["trace_id"]) == ("warning", answer.json["trace_id"])
    assert undone["span_id"] in {span.id for span in spans}
    assert {"time", "level", "service", "instance", "logger", "message"} <= set(undone)


async def test_a_customer_does_not_decide_how_many_traces_are_recorded(tmp_path: Path, start: Start) -> None:
    with telemetry_store(tmp_path) as (jaeger, otlp):
        async with start(tmp_path, otlp_endpoint=otlp, trace_ratio=0.0) as system:
            answer = await system.customer().order(traceparent=f"00-{randbytes(16).hex()}-{CALLER_SPAN}-01")
            assert answer.json["status"] == "confirmed"
            await system.eventually(system.settled)
            await system.flush()
            async with system.session.get(f"{jaeger}/api/services") as response:
                assert (await response.json())["data"] == []
