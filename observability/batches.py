"""Export by a thread of the process itself: batches over OTLP/HTTP, of which none gets lost without being counted.

Spans wait as bytes here too (exporter/handover.py says why), and are spans again when their batch is sent.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, cast

import requests  # noqa: F401 - the exporter imports it when it is made; here, forked processes share it.
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from observability.counted_queue import CountedQueue
from observability.exporter.wire import pack_spans, read_spans, readable

MAX_QUEUED_SPANS: Final = 4_096
BATCH_SPANS: Final = 128
"""Small batches: the exporter's thread holds the interpreter while it encodes one, and requests wait meanwhile."""
FLUSH_INTERVAL_MS: Final = 500
EXPORT_TIMEOUT_S: Final = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WaitingSpan:
    """A span in the queue."""

    packed: bytes

    context: ClassVar = SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    """What the library's queue looks at: only sampled spans get that far."""


class CountedExporter(SpanExporter):
    """Hands spans on, and has the queue count those that could not be delivered."""

    def __init__(self, inner: SpanExporter, queue: CountedQueue, resource: Resource) -> None:
        self._inner = inner
        self._queue = queue
        self._resource = resource

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports, in the processor's own thread."""
        return self._queue.hand_on(cast("Sequence[WaitingSpan]", spans), self._export, SpanExportResult.SUCCESS)

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._inner.shutdown()

    def _export(self, waiting: Sequence[WaitingSpan]) -> SpanExportResult:
        return self._inner.export([readable(span, self._resource) for each in waiting for span in read_spans(each.packed)])


class CountedProcessor(BatchSpanProcessor):
    """Sends spans in batches, and reports those that come faster than they can be sent: the base drops them silently."""

    def __init__(self, exporter: SpanExporter, resource: Resource, dropped: Callable[[int], None]) -> None:
        self._queue = CountedQueue(MAX_QUEUED_SPANS, dropped)
        super().__init__(
            CountedExporter(exporter, self._queue, resource),
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
        if not (span.context and span.context.trace_flags.sampled and self._queue.admit()):
            return
        try:
            packed = pack_spans([span])
        except Exception:  # noqa: BLE001 - whatever a span holds, the request that it tells of is none the worse for it.
            _log.exception("the span %s cannot be exported", span.name)
            self._queue.withdraw()
        else:
            super().on_end(cast("ReadableSpan", WaitingSpan(packed)))


def exporting_thread(endpoint: str, resource: Resource, dropped: Callable[[int], None]) -> CountedProcessor:
    """Sends spans of `resource` to the collector at `endpoint`; `dropped` is told how many did not get there."""
    return CountedProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORT_TIMEOUT_S), resource, dropped)
