"""Metrics: every instrument is registered under its name, and requests are timed by route."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import AsyncMock

import pytest
from fastapi import FastAPI, Response
from prometheus_client import ProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest

from observability import names
from observability.metrics import BUCKETS_S, Metrics, current_exemplar
from observability.request_metrics import RequestMetrics, RequestTimes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Span

    from observability.asgi import Receive, Scope, Send
    from tests.observability.conftest import Get, KeptSpans

NOT_METRICS = ("ATTR_", "LABEL_", "EVENT_", "TRAFFIC_", "SIGNAL_", "CONNECTION_", "POOL_", "CANCELLED", "CACHED")
OF_THE_LIBRARY = {family.name for family in ProcessCollector(registry=None).collect()}
OF_OTHERS = ("LOAD_", "TESTBED_", "STORE_", "SLO_", "UP", "ALERTS")
"""Metrics that another process has: the load generator, the supervisor, the telemetry store, Prometheus."""


class Measured(FastAPI):
    """An application whose requests are measured."""

    def __init__(self) -> None:
        super().__init__(telemetry={"tracing": False, "metrics": False, "logs": False})
        self.metrics = Metrics()
        self.add_middleware(RequestMetrics, times=RequestTimes(self.metrics, self))

        @self.get("/accounts/{number}")
        async def account(number: int) -> int:
            return number

        @self.get("/teapot")
        async def teapot() -> Response:
            return Response(status_code=418)

        @self.get("/bug")
        async def bug() -> None:
            raise RuntimeError("a bug")

        @self.get("/health/ready")
        @self.get("/metrics")
        async def operations() -> None:
            return None

    def counted(self, route: str, status: str) -> float | None:
        labels = {names.LABEL_METHOD: "GET", names.LABEL_ROUTE: route, names.LABEL_STATUS: status}
        return self.metrics.registry.get_sample_value(f"{names.HTTP_SERVER_DURATION}_count", labels)

    @property
    def series(self) -> set[tuple[str, str]]:
        """Route and status of everything that was measured."""
        return {
            (sample.labels[names.LABEL_ROUTE], sample.labels[names.LABEL_STATUS])
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == f"{names.HTTP_SERVER_DURATION}_count"
        }


@pytest.fixture
def app() -> Measured:
    return Measured()


@pytest.fixture
def span(kept: KeptSpans) -> Iterator[Span]:
    with kept.tracer.start_as_current_span("request") as current:
        yield current


def test_every_metric_that_has_a_name_is_registered_and_no_other_of_ours() -> None:
    registered = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in Metrics().registry.collect()
        if family.name not in OF_THE_LIBRARY
    }
    not_of_services = NOT_METRICS + OF_OTHERS
    assert registered == {value for name, value in vars(names).items() if name.isupper() and not name.startswith(not_of_services)}


def test_two_processes_in_one_share_nothing() -> None:
    first, second = Metrics(), Metrics()
    first.shed.labels("0").inc()
    assert second.registry.get_sample_value(names.RESILIENCE_SHED, {names.LABEL_URGENCY: "0"}) is None


def test_durations_have_the_buckets_of_the_conventions() -> None:
    metrics = Metrics()
    metrics.client_duration.labels("shop->bank", "200", "foreground").observe(0.0, 0.03)
    found = {
        sample.labels["le"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"{names.HTTP_CLIENT_DURATION}_bucket"
    }
    assert {float(bound) for bound in found} == {*map(float, BUCKETS_S), float("inf")}


async def test_requests_are_counted_by_route_not_by_path(app: Measured, get: Get) -> None:
    await get(app, "/accounts/1")
    await get(app, "/accounts/2")
    assert app.counted("/accounts/{number}", "200") == 2
    assert len(app.series) == 1


async def test_a_refused_request_keeps_its_route(app: Measured, get: Get) -> None:
    await get(app, "/accounts/seven")
    await get(app, "/teapot")
    assert app.series == {("/accounts/{number}", "422"), ("/teapot", "418")}


async def test_a_request_that_is_refused_before_it_is_routed_is_counted_under_the_route_it_was_for(get: Get) -> None:
    metrics, routed = Metrics(), FastAPI()
    routed.get("/accounts/{number}")(lambda number: number)

    async def shed(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 429, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    assert await get(RequestMetrics(shed, RequestTimes(metrics, routed)), "/accounts/1") == 429
    labels = {names.LABEL_METHOD: "GET", names.LABEL_ROUTE: "/accounts/{number}", names.LABEL_STATUS: "429"}
    assert metrics.registry.get_sample_value(f"{names.HTTP_SERVER_DURATION}_count", labels) == 1


async def test_paths_that_match_nothing_share_one_series(app: Measured, get: Get) -> None:
    for number in range(20):
        await get(app, f"/wp-admin/{number}")
    assert app.series == {("none", "404")}


async def test_an_unforeseen_error_is_the_500_that_its_caller_gets(app: Measured, get: Get) -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        await get(app, "/bug")
    assert app.counted("/bug", "500") == 1


async def test_a_connection_that_is_cut_without_an_answer_has_status_zero(get: Get) -> None:
    metrics = Metrics()

    async def say_nothing(*_connection: object) -> None:
        return None

    assert await get(RequestMetrics(say_nothing, RequestTimes(metrics, FastAPI())), "/accounts/1") == 0
    labels = {names.LABEL_METHOD: "GET", names.LABEL_ROUTE: "none", names.LABEL_STATUS: "0"}
    assert metrics.registry.get_sample_value(f"{names.HTTP_SERVER_DURATION}_count", labels) == 1


@pytest.mark.parametrize("path", ["/health/ready", "/metrics"])
async def test_what_the_platform_asks_is_not_measured(app: Measured, get: Get, path: str) -> None:
    assert await get(app, path) == 200
    assert app.series == set()


async def test_an_observation_carries_the_trace_as_exemplar(app: Measured, get: Get, span: Span) -> None:
    await get(app, "/accounts/1")
    text = generate_latest(app.metrics.registry).decode()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    assert f'# {{trace_id="{span.get_span_context().trace_id:032x}"}}' in text


async def test_without_a_trace_there_is_no_exemplar(app: Measured, get: Get) -> None:
    await get(app, "/accounts/1")
    assert current_exemplar() is None
    assert "trace_id" not in generate_latest(app.metrics.registry).decode()  # type: ignore[no-untyped-call]  # as above


@pytest.mark.parametrize("method", ["BREW", "get", "", "X" * 10_000, "GET "])
async def test_a_method_that_a_stranger_invents_is_no_label(method: str) -> None:
    metrics = Metrics()

    async def answer(*_connection: object) -> None:
        return None

    scope = {"type": "http", "method": method, "path": "/accounts/1"}
    await RequestMetrics(answer, RequestTimes(metrics, FastAPI()))(scope, AsyncMock(), AsyncMock())
    labels = {names.LABEL_METHOD: "_OTHER", names.LABEL_ROUTE: "none", names.LABEL_STATUS: "0"}
    assert metrics.registry.get_sample_value(f"{names.HTTP_SERVER_DURATION}_count", labels) == 1


@pytest.mark.parametrize("path", ["/healthy", "/metrics2", "/metrics/1", "/__chaos__x"])
async def test_what_only_begins_like_the_platforms_paths_is_measured(app: Measured, get: Get, path: str) -> None:
    await get(app, path)
    assert app.series == {("none", "404")}


async def test_requests_under_way_are_counted_and_those_that_fail_are_not_forgotten() -> None:
    metrics = Metrics()
    seen: list[float | None] = []

    async def look(*_connection: object) -> None:
        seen.append(metrics.registry.get_sample_value(names.HTTP_SERVER_ACTIVE))
        raise RuntimeError("a bug")

    scope = {"type": "http", "method": "GET", "path": "/"}
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await RequestMetrics(look, RequestTimes(metrics, FastAPI()))(scope, AsyncMock(), AsyncMock())
    assert seen == [1, 1]
    assert metrics.registry.get_sample_value(names.HTTP_SERVER_ACTIVE) == 0
