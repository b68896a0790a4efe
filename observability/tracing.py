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
UNTRACED_URLS = r"^[a-z]+://[^/]+/(health|metrics|__chaos__)(/|$)"
"""What machines ask all the time. From the start: a customer's path that only contains such a word is traced."""


class CountedExporter(SpanExporter):
    """Hands spans on and reports how many could not be delivered."""

    def __init__(self, inner: SpanExporter, dropped: Callable[[int], None]) -> None:
        self._inner = inner
        self._dropped = dropped

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports, in the processor's own thread."""
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._dropped(len(spans))
        return result

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._inner.shutdown()


def tracer_provider(resource: Resource, endpoint: str | None, dropped: Callable[[int], None]) -> TracerProvider:
    """A provider of its own, never the global one. Without `endpoint` spans are made and dropped."""
    provider = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
    if endpoint:
        exporter = CountedExporter(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORT_TIMEOUT_S), dropped)
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=MAX_QUEUED_SPANS,
                schedule_delay_millis=FLUSH_INTERVAL_MS,
                max_export_batch_size=BATCH_SPANS,
            )
        )
    return provider


def trace_requests(app: FastAPI, provider: TracerProvider) -> None:
    """One server span a request. The spans of ASGI messages are left out: they cost as much as the request itself."""
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, excluded_urls=UNTRACED_URLS, exclude_spans=["receive", "send"]
    )
