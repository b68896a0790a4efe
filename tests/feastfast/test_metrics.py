"""What each service measures of its requests and calls, as Prometheus reads it."""

from __future__ import annotations

from random import randbytes
from typing import TYPE_CHECKING

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from observability import names
from services.topology import load_topology

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.feastfast.customer import Answer
    from tests.feastfast.system import FeastFast

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = tuple(load_topology().services)


def metric_families(answer: Answer) -> dict[str, Metric]:
    """What a service measures, read as Prometheus reads it."""
    parsed: Iterable[Metric] = text_string_to_metric_families(answer.body.decode())  # type: ignore[no-untyped-call]  # it is untyped
    return {family.name: family for family in parsed}


@pytest.mark.parametrize("service", SERVICES)
async def test_the_metrics_of_each_service_are_openmetrics_with_the_times_of_its_requests(
    shared: FeastFast, service: str
) -> None:
    await shared.ask("POST", "/v1/sessions", {"email": "nobody@feastfast.example", "password": "x"})
    await shared.customer().order()
    await shared.eventually(shared.settled)
    answers = [await shared.ask("GET", "/metrics", service=name) for name in shared.names(service)]
    routes = set()
    for answer in answers:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        families = metric_families(answer)
        ours = {name if family.type != "counter" else f"{name}_total" for name, family in families.items()}
        ours = {name for name in ours if not name.startswith("process_")}
        assert ours <= {value for name, value in vars(names).items() if name.isupper()}
        samples = families[names.HTTP_SERVER_DURATION].samples
        routes |= {sample.labels["http_route"] for sample in samples if sample.name.endswith("_count") and sample.value}
    assert routes, "no request was timed"
    assert "/metrics" not in routes


async def test_the_time_of_a_request_leads_to_its_trace_and_the_paths_of_strangers_share_a_label(shared: FeastFast) -> None:
    trace_id = randbytes(16).hex()
    for number in range(3):
        headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
        assert (await shared.ask("GET", f"/stranger/{number}", headers=headers)).status == 404
    samples = metric_families(await shared.ask("GET", "/metrics"))[names.HTTP_SERVER_DURATION].samples
    of_strangers = [sample for sample in samples if sample.labels[names.LABEL_STATUS] == "404"]
    assert {sample.labels[names.LABEL_ROUTE] for sample in of_strangers} == {"none"}
    assert trace_id in {sample.exemplar.labels["trace_id"] for sample in of_strangers if sample.exemplar}


async def test_every_call_over_an_edge_is_counted_with_its_outcome(shared: FeastFast) -> None:
    await shared.customer().order()
    called = {
        (sample.labels["edge"], sample.labels["outcome"])
        for replica in ("orders/1", "orders/2")
        for sample in metric_families(await shared.ask("GET", "/metrics", service=replica))["resilience_calls"].samples
        if sample.name == names.RESILIENCE_CALLS
    }
    assert {("orders->restaurants", "ok"), ("orders->payments", "ok"), ("orders->deliveries", "ok")} <= called
