"""Whatever may happen is counted from zero: PromQL would not see the first of it otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from observability import names
from observability.metrics import Metrics
from services.kit.counters import begin_edge, begin_events, begin_routes, begin_service
from services.policy import EdgePolicy
from services.topology import load_topology

if TYPE_CHECKING:
    from pathlib import Path

    from services.topology import Topology

EDGE = "shop->bank"
FAILURES = {"unreachable", "timeout", "deadline", "shed", "remote_error"}
WHOLE = {
    "throttle": {},
    "bulkhead": {"max_concurrent": 5},
    "retry": {"max_attempts": 2},
    "budget": {},
    "hedge": {"delay": "10ms"},
    "breaker": {"fail_max": 5, "reset_timeout": "1s"},
    "fallback": {"kind": "cached", "ttl": "1m"},
}
MAP = """
services:
  shop: {module: services.shop.main, entry: true, replicas: 2}
  bank: {module: services.bank.main, replicas: 2, database: true}
edges:
  shop->bank: {}
  bank->shop: {}
events:
  bill.paid: {producer: bank, consumers: [shop]}
"""


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def topology(tmp_path: Path) -> Topology:
    path = tmp_path / "map.yaml"
    path.write_text(MAP)
    return load_topology(path)


def zeros(metrics: Metrics, name: str, *labels: str) -> set[str | tuple[str, ...]]:
    """Values of `labels` of the series that stand at zero."""
    found = [
        sample.labels
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == name and sample.value == 0
    ]
    return {each[labels[0]] if len(labels) == 1 else tuple(each[label] for label in labels) for each in found}


def test_an_edge_without_a_policy_may_come_to_what_any_call_may_come_to(metrics: Metrics) -> None:
    begin_edge(metrics, EDGE, EdgePolicy())
    assert zeros(metrics, names.RESILIENCE_CALLS, "outcome") == {"ok", "cancelled", *FAILURES}
    for name in (names.RESILIENCE_RETRIES, names.RESILIENCE_REJECTIONS, names.RESILIENCE_BREAKER_TRANSITIONS):
        assert zeros(metrics, name, "edge") == set()


def test_every_pattern_of_an_edge_brings_what_it_may_do(metrics: Metrics) -> None:
    begin_edge(metrics, EDGE, EdgePolicy.model_validate(WHOLE))
    unsent = {"throttled", "bulkhead_full", "breaker_open"}
    assert zeros(metrics, names.RESILIENCE_CALLS, "outcome") == {"ok", "cancelled", "fallback", "cached", *unsent, *FAILURES}
    assert zeros(metrics, names.RESILIENCE_REJECTIONS, "pattern") == {"throttle", "bulkhead", "breaker"}
    assert zeros(metrics, names.RESILIENCE_BREAKER_TRANSITIONS, "to") == {"closed", "half-open", "open"}
    denied = {"max_attempts", "deadline", "retry_after", "budget"}
    assert zeros(metrics, names.RESILIENCE_RETRIES, "decision") == {"granted", *denied}
    assert zeros(metrics, names.RESILIENCE_HEDGES, "outcome") == {"sent", "won", "lost", "denied"}
    assert zeros(metrics, names.RESILIENCE_FALLBACKS, "kind") == {"cached"}


def test_a_policy_that_is_put_in_force_again_takes_nothing_back(metrics: Metrics) -> None:
    metrics.rejections.labels(EDGE, "bulkhead").inc()
    begin_edge(metrics, EDGE, EdgePolicy.model_validate(WHOLE))
    assert metrics.registry.get_sample_value(names.RESILIENCE_REJECTIONS, {"edge": EDGE, "pattern": "bulkhead"}) == 1


def test_a_service_may_be_hit_itself_and_on_its_edges_and_may_leave_out_any_replica_it_calls(
    metrics: Metrics, topology: Topology
) -> None:
    begin_service(metrics, "shop", topology)
    kinds = ("latency", "error", "abort", "hang", "partition")
    assert zeros(metrics, names.CHAOS_INJECTIONS, "fault", "target") == {(k, t) for k in kinds for t in ("shop", EDGE)}
    assert zeros(metrics, names.RESILIENCE_EJECTIONS, "edge", "replica") == {(EDGE, "bank/1"), (EDGE, "bank/2")}


def test_events_are_counted_where_they_are_published_and_where_they_are_taken(topology: Topology) -> None:
    producer, consumer = Metrics(), Metrics()
    begin_events(producer, "bank", topology, lambda _kind: ("shop",))
    begin_events(consumer, "shop", topology, lambda _kind: ("shop",))
    for name in (names.OUTBOX_SENT, names.OUTBOX_ATTEMPTS_FAILED):
        assert zeros(producer, name, "event", "destination") == {("bill.paid", "shop")}
        assert zeros(consumer, name, "event", "destination") == set()
    outcomes = {"handled", "duplicate", "failed", "dead"}
    assert zeros(consumer, names.INBOX_EVENTS, "event", "outcome") == {("bill.paid", outcome) for outcome in outcomes}
    assert zeros(producer, names.INBOX_EVENTS, "event") == set()


def test_any_request_of_a_caller_may_be_left_and_none_of_the_platforms_is_counted(metrics: Metrics) -> None:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    for path in ("/accounts/{number}", "/metrics", "/health/ready"):
        app.get(path)(lambda: None)
    begin_routes(metrics, app.routes)
    assert zeros(metrics, names.RESILIENCE_ABANDONED, "http_route") == {"/accounts/{number}"}
