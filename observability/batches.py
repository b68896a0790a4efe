"""Export by a thread of the process itself: batches over OTLP/HTTP, of which none gets lost without being counted."""

from collections.abc import Callable, Sequence
from typing import Final

import requests  # noqa: F401 - the exporter imports it when it is made; here, forked processes share it.
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from observability.counted_queue import CountedQueue

MAX_QUEUED_SPANS: Final = 4_096
BATCH_SPANS: Final = 128
"""Small batches: the exporter's thread holds the interpreter while it encodes one, and requests wait meanwhile."""
FLUSH_INTERVAL_MS: Final = 500
EXPORT_TIMEOUT_S: Final = 2.0


class CountedExporter(SpanExporter):
    """Hands spans on, and has the queue count those that could not be delivered."""

    def __init__(self, inner: SpanExporter, queue: CountedQueue) -> None:
        self._inner = inner
        self._queue = queue

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports, in the processor's own thread."""
        return self._queue.hand_on(spans, self._inner.export, SpanExportResult.SUCCESS)

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._inner.shutdown()


class CountedProcessor(BatchSpanProcessor):
    """Sends spans in batches, and reports those that come faster than they can be sent: the base drops them silently."""

    def __init__(self, exporter: SpanExporter, dropped: Callable[[int], None]) -> None:
        self._queue = CountedQueue(MAX_QUEUED_SPANS, dropped)
        super().__init__(
            CountedExporter(exporter, self._queue),
            max_queue_size=MAX_QUEUED_SPANS,
            schedule_delay_millis=FLUSH_INTERVAL_MS,
            max_export_batch_size=BATCH_SPANS,
        )

    @property
    def waiting(self) -> int:
        """Spans that are not on their way yet."""
        return self._queue.waiting

    def on_end(self, span: ReadableSpan) -> None:
        """Queues a span, or drops it when the queue is full."""
        if span.context and span.context.trace_flags.sampled and self._queue.admit():
            super().on_end(span)


def exporting_thread(endpoint: str, dropped: Callable[[int], None]) -> CountedProcessor:
    """Sends spans to the collector at `endpoint`; `dropped` is told how many did not get there."""
    return CountedProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORT_TIMEOUT_S), dropped)
