"""An injected fault shows in the telemetry of the service that it hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from observability import names
from services.kit.observer import ChaosTelemetry

if TYPE_CHECKING:
    from tests.services.kit.conftest import Watched


def test_an_injection_is_an_event_of_the_span_that_it_hits(watched: Watched) -> None:
    with watched.telemetry.tracer.start_as_current_span("request"):
        ChaosTelemetry(watched.telemetry.metrics).injected("lease-1", "latency", "shop->bank")
    ((event,),) = [span.events for span in watched.spans]
    assert event.name == "chaos.injected"
    assert dict(event.attributes or {}) == {"chaos.fault": "latency", "chaos.lease": "lease-1", "target": "shop->bank"}


def test_injections_are_counted_by_fault_and_target(watched: Watched) -> None:
    observer = ChaosTelemetry(watched.telemetry.metrics)
    for _ in range(3):
        observer.injected("lease-1", "abort", "bank")
    assert watched.metric(names.CHAOS_INJECTIONS, fault="abort", target="bank") == 3
