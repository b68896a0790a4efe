"""Traces: a provider that exports over OTLP, and the instrumentation of a FastAPI application with it."""

from collections.abc import Callable, Sequence

import requests  # noqa: F401 - the exporter imports it when it is made; here, forked processes share it.
from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

MAX_QUEUED_SPANS = 4_096
BATCH_SPANS = 128
"""Small batches: the exporter's thread holds the interpreter while it encodes one, and requests wait meanwhile."""
FLUSH_INTERVAL_MS = 500
EXPORT_TIMEOUT_S = 2.0
UNTRACED_URLS = r"^[a-z]+://[^/]+/(health|metrics|__chaos__|__policy__)(/|$)"
"""What machines ask all the time. From the start: a customer's path that only contains such a word is traced."""


class CountedExporter(SpanExporter):
    """Hands spans on and reports how many could not be delivered."""

    def __init__(self, inner: SpanExporter, dropped: Callable[[int], None]) -> None:
        self._inner = inner
        self._dropped = dropped
        self.taken = 0
        """Spans that have left the queue."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports, in the processor's own thread."""
        self.taken += len(spans)
        result = SpanExportResult.FAILURE
        try:
            result = self._inner.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                self._dropped(len(spans))
        return result

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._inner.shutdown()


class CountedProcessor(BatchSpanProcessor):
    """Sends spans in batches, and reports those that come faster than they can be sent: the base drops them silently."""

    def __init__(self, exporter: SpanExporter, dropped: Callable[[int], None]) -> None:
        self._counted = CountedExporter(exporter, dropped)
        self._queued = 0  # Ever; `taken` counts in the exporter's thread, so that neither counter has two writers.
        self._dropped = dropped
        super().__init__(
            self._counted,
            max_queue_size=MAX_QUEUED_SPANS,
            schedule_delay_millis=FLUSH_INTERVAL_MS,
            max_export_batch_size=BATCH_SPANS,
        )

    def on_end(self, span: ReadableSpan) -> None:
        """Queues a span, or drops it when the queue is full."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        if self._queued - self._counted.taken >= MAX_QUEUED_SPANS:
            self._dropped(1)
            return
        self._queued += 1
        super().on_end(span)


def tracer_provider(resource: Resource, endpoint: str | None, dropped: Callable[[int], None]) -> TracerProvider:
    """A provider of its own, never the global one. Without `endpoint` spans are made and dropped."""
    provider = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
    if endpoint:
        exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORT_TIMEOUT_S)
        provider.add_span_processor(CountedProcessor(exporter, dropped))
    return provider


def trace_requests(app: FastAPI, provider: TracerProvider) -> None:
    """One server span a request. The spans of ASGI messages are left out: they cost as much as the request itself."""
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, excluded_urls=UNTRACED_URLS, exclude_spans=["receive", "send"]
    )
