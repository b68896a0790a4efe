"""The telemetry of a process, as its service builds it and ends it."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from observability import names, telemetry
from observability.metrics import Metrics
from observability.telemetry import Origin, Telemetry, create_telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.observability.conftest import Get, KeptSpans


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    """Logging and environment are given back as they were found."""
    root = logging.getLogger()
    handlers, level, environment = list(root.handlers), root.level, dict(os.environ)
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http,database"  # The instrumentation looks once a process.
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    os.environ.clear()
    os.environ.update(environment)


class Stuck(SpanExporter):
    """An exporter whose collector never answers."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.released.wait(10)


def test_spans_and_logs_say_whose_they_are() -> None:
    attributes = Origin("orders", "orders/2", "run-7", "declared").resource.attributes
    assert attributes["service.name"] == "orders"
    assert attributes["service.instance.id"] == "orders/2"
    assert attributes[names.ATTR_RUN] == "run-7"
    assert attributes[names.ATTR_ARM] == "declared"


def test_outside_of_an_experiment_there_is_neither_run_nor_arm() -> None:
    assert not {names.ATTR_RUN, names.ATTR_ARM} & Origin("orders", "orders/1").resource.attributes.keys()


def test_without_a_collector_there_are_metrics_and_lines_but_no_export() -> None:
    built = create_telemetry(Origin("orders", "orders/1"), None, "info")
    assert built.logs is None
    assert built.metrics.registry.get_sample_value(names.TELEMETRY_DROPPED, {names.LABEL_SIGNAL: names.SIGNAL_TRACES}) == 0
    built.shutdown()


def test_the_instrumentations_are_told_to_speak_the_stable_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SEMCONV_STABILITY_OPT_IN", raising=False)
    create_telemetry(Origin("orders", "orders/1"), None, "info").shutdown()
    assert os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] == "http,database"


async def test_an_instrumented_application_is_traced_and_measured(kept: KeptSpans, get: Get) -> None:
    built = Telemetry(kept.provider, Metrics(), None)
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    built.instrument(app)
    assert await get(app, "/nowhere") == 404
    assert len(kept.ended) == 1
    labels = {names.LABEL_METHOD: "GET", names.LABEL_ROUTE: "none", names.LABEL_STATUS: "404"}
    assert built.metrics.registry.get_sample_value(f"{names.HTTP_SERVER_DURATION}_count", labels) == 1


def test_a_collector_that_never_answers_does_not_hold_the_end_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "FLUSH_TIMEOUT_S", 0.01)
    stuck = Stuck()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(stuck))
    Telemetry(provider, Metrics(), None).shutdown()
    flushing = [thread for thread in threading.enumerate() if thread.name == "telemetry-flush"]
    assert [thread.daemon for thread in flushing] == [True]  # Still at it, but the process may end.
    stuck.released.set()
    flushing[0].join(10)
