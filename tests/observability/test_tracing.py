"""Traces: one server span a request, in the trace of its caller, and no span lost without being counted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from observability import batches
from observability.batches import BATCH_SPANS, MAX_QUEUED_SPANS, exporting_thread
from observability.metrics import Metrics
from observability.server_span import MAX_ATTRIBUTE_CHARS
from observability.trace_options import TracePath
from observability.tracing import observe_requests, tracer_provider

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

    from tests.observability.conftest import Get, KeptSpans

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class FakeCollector(SpanExporter):
    """Stands for the exporter over the network: takes batches, refuses them or is slow, as it is told."""

    def __init__(self, *arguments: object, **options: object) -> None:
        self.taken: list[ReadableSpan] = []
        self.batches: list[int] = []
        self.result = SpanExportResult.SUCCESS
        self.error: Exception | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.asked = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.answers.wait(10)
        if self.error:
            raise self.error
        self.batches.append(len(spans))
        if self.result is SpanExportResult.SUCCESS:
            self.taken += spans
        return self.result


class Tracing:
    """A provider that exports to the fake collector, and what it says was dropped."""

    def __init__(self, collector: FakeCollector) -> None:
        self.collector = collector
        self.dropped: list[int] = []
        exporting = exporting_thread("http://collector", Resource({}), self.dropped.append)
        self.provider: TracerProvider = tracer_provider(Resource({}), 1.0, exporting)

    def make(self, spans: int) -> None:
        tracer = self.provider.get_tracer("test")
        for _ in range(spans):
            tracer.start_span("work").end()


@pytest.fixture
def exporting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracing]:
    collector = FakeCollector()
    monkeypatch.setattr(batches, "OTLPSpanExporter", lambda *_arguments, **_options: collector)
    tracing_ = Tracing(collector)
    yield tracing_
    collector.answers.set()
    tracing_.provider.shutdown()


@pytest.fixture(autouse=True)
def _stable_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As create_telemetry does; the instrumentation looks once a process."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")


@pytest.fixture(params=TracePath)
def path(request: pytest.FixtureRequest) -> TracePath:
    """What is said of one path is said of both."""
    return TracePath(request.param)


@pytest.fixture
def app(kept: KeptSpans, path: TracePath) -> FastAPI:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/accounts/{number}")
    async def account(number: int) -> int:
        return number

    @app.get("/health/ready")
    @app.get("/metrics")
    @app.get("/__chaos__/leases")
    @app.get("/__policy__/leases")
    async def operations() -> None:
        return None

    observe_requests(app, kept.provider, path, Metrics())
    return app


async def test_a_request_is_exactly_one_server_span(app: FastAPI, get: Get, kept: KeptSpans) -> None:
    await get(app, "/accounts/7")
    (span,) = kept.ended
    assert (span.name, span.kind) == ("GET /accounts/{number}", SpanKind.SERVER)


async def test_a_server_span_speaks_the_stable_conventions(app: FastAPI, get: Get, kept: KeptSpans) -> None:
    await get(app, "/accounts/7")
    attributes = kept.ended[0].attributes or {}
    assert attributes["http.request.method"] == "GET"
    assert attributes["http.response.status_code"] == 200
    assert attributes["http.route"] == "/accounts/{number}"
    assert not {"http.method", "http.status_code"} & attributes.keys()


@pytest.mark.parametrize("flags", ["01", "03"])
async def test_a_request_joins_the_trace_of_its_caller(app: FastAPI, get: Get, kept: KeptSpans, flags: str) -> None:
    await get(app, "/accounts/7", {"traceparent": f"00-{TRACE}-{PARENT}-{flags}"})
    (span,) = kept.ended
    assert span.context is not None
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)


async def test_a_caller_that_does_not_record_is_followed(exporting: Tracing, path: TracePath, get: Get) -> None:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    observe_requests(app, exporting.provider, path, Metrics())
    await get(app, "/nowhere", {"traceparent": f"00-{TRACE}-{PARENT}-00"})
    exporting.provider.force_flush()
    assert exporting.collector.taken == []


@pytest.mark.parametrize("asked", ["/health/ready", "/metrics", "/__chaos__/leases", "/__policy__/leases"])
async def test_what_the_platform_asks_is_not_traced(app: FastAPI, get: Get, kept: KeptSpans, asked: str) -> None:
    assert await get(app, asked) == 200
    assert kept.ended == ()


def test_the_provider_is_never_the_global_one(exporting: Tracing) -> None:
    assert trace.get_tracer_provider() is not exporting.provider


def test_without_a_collector_spans_are_made_and_go_nowhere() -> None:
    provider = tracer_provider(Resource({}), 1.0, None)
    assert provider.get_tracer("test").start_span("work").is_recording()


def test_a_share_of_the_traces_that_begin_here_is_recorded() -> None:
    tracer = tracer_provider(Resource({}), 0.25, None).get_tracer("test")
    recorded = sum(tracer.start_span("work").is_recording() for _ in range(4_000))
    assert 800 < recorded < 1_200


def test_whatever_the_share_a_caller_that_records_is_followed() -> None:
    tracer = tracer_provider(Resource({}), 0.0, None).get_tracer("test")
    caller = set_span_in_context(NonRecordingSpan(SpanContext(7, 7, is_remote=True, trace_flags=TraceFlags(1))))
    assert not tracer.start_span("work").is_recording()
    assert tracer.start_span("work", caller).is_recording()


def test_spans_that_are_pending_at_the_end_are_sent(exporting: Tracing) -> None:
    exporting.make(5)
    exporting.provider.shutdown()
    assert len(exporting.collector.taken) == 5
    assert exporting.dropped == []


def test_batches_are_small(exporting: Tracing) -> None:
    exporting.make(3 * BATCH_SPANS)
    exporting.provider.shutdown()
    assert max(exporting.collector.batches) <= BATCH_SPANS


def test_spans_that_the_collector_refuses_are_counted(exporting: Tracing) -> None:
    exporting.collector.result = SpanExportResult.FAILURE
    exporting.make(5)
    exporting.provider.force_flush()
    assert sum(exporting.dropped) == 5


def test_spans_that_cannot_even_be_sent_are_counted(exporting: Tracing) -> None:
    exporting.collector.error = RuntimeError("cannot encode")
    exporting.make(5)
    exporting.provider.force_flush()
    assert sum(exporting.dropped) == 5


def test_spans_that_come_faster_than_they_are_sent_are_counted_and_bounded(exporting: Tracing) -> None:
    exporting.collector.answers.clear()
    exporting.make(BATCH_SPANS)
    assert exporting.collector.asked.wait(10)  # One batch is on its way, and stays there.
    exporting.make(MAX_QUEUED_SPANS + 100)
    dropped = sum(exporting.dropped)
    assert dropped >= 100
    exporting.collector.answers.set()
    exporting.provider.shutdown()
    assert len(exporting.collector.taken) + dropped == BATCH_SPANS + MAX_QUEUED_SPANS + 100


def test_after_a_jam_spans_are_sent_again(exporting: Tracing) -> None:
    exporting.collector.answers.clear()
    exporting.make(BATCH_SPANS + MAX_QUEUED_SPANS + 100)
    exporting.collector.answers.set()
    exporting.provider.force_flush()
    taken, dropped = len(exporting.collector.taken), sum(exporting.dropped)
    assert taken + dropped == BATCH_SPANS + MAX_QUEUED_SPANS + 100
    exporting.make(10)
    exporting.provider.force_flush()
    assert len(exporting.collector.taken) == taken + 10


@pytest.mark.parametrize("path", TracePath)
async def test_no_attribute_that_a_stranger_chooses_is_longer_than_it_may_be(
    exporting: Tracing, path: TracePath, get: Get
) -> None:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    observe_requests(app, exporting.provider, path, Metrics())
    await get(app, f"/{'x' * 50_000}", {"user-agent": "y" * 50_000})
    exporting.provider.force_flush()
    (span,) = exporting.collector.taken
    lengths = [len(value) for value in (span.attributes or {}).values() if isinstance(value, str)]
    assert max(lengths) == MAX_ATTRIBUTE_CHARS
