"""FeastFast under load, with the Prometheus that is started beside it."""

from collections.abc import Iterator
from typing import Any

import pytest

from observability import names
from services.topology import load_topology
from tests.watched import Watched, ask

pytestmark = [pytest.mark.system, pytest.mark.server]


def rules(system: Watched) -> Iterator[dict[str, Any]]:
    for group in ask(system.prometheus, "/api/v1/rules")["data"]["groups"]:
        yield from group["rules"]


def test_every_replica_the_store_the_supervisor_and_the_load_are_scraped(watched_feastfast: Watched) -> None:
    replicas = {f"{name}/{n}" for name, service in load_topology().services.items() for n in range(1, service.replicas + 1)}
    up = watched_feastfast.up()
    [load] = [name for name in up if name.startswith("load/")]
    assert up == dict.fromkeys(replicas | {"telemetry/1", "testbed/1", load}, True)


def test_every_rule_of_the_objectives_is_evaluated_and_in_time(watched_feastfast: Watched) -> None:
    assert [(rule["name"], rule.get("lastError")) for rule in rules(watched_feastfast) if rule["health"] == "err"] == []
    assert {rule["name"] for rule in rules(watched_feastfast) if rule["type"] == "alerting"} >= {"JourneyBurnsErrorBudget"}


def test_requests_lead_to_their_traces(watched_feastfast: Watched) -> None:
    duration = f"{names.HTTP_SERVER_DURATION}_bucket"

    def found() -> list[str]:
        parameters = {"query": f'{duration}{{service="gateway"}}', "start": "0", "end": "4102444800"}
        series = ask(watched_feastfast.prometheus, "/api/v1/query_exemplars", **parameters)["data"]
        return [exemplar["labels"]["trace_id"] for each in series for exemplar in each["exemplars"]]

    watched_feastfast.eventually(lambda: found() != [])
    trace_id = found()[0]  # Asked once: the next scrape brings others.
    traces = watched_feastfast.status.addresses["traces"]
    assert ask(traces, f"/api/traces/{trace_id}")["data"][0]["traceID"] == trace_id
