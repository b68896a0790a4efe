"""Both ends of the way through the exporter process: a service that makes spans, and the collector that gets them."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from observability.exporter.exporter import Exporter
from observability.exporter.handover import Handover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

BOUND_S = 10.0


class FakeCollector(SpanExporter):
    """Stands for the library's exporter: takes batches, refuses them or is slow, as it is told."""

    def __init__(self) -> None:
        self.taken: list[ReadableSpan] = []
        self.batches: list[int] = []
        self.refuses = False
        self.error: Exception | None = None
        self.meanwhile: Callable[[], None] | None = None
        self.answers = threading.Event()
        self.answers.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.answers.wait(BOUND_S)
        if self.error:
            raise self.error
        self.batches.append(len(spans))
        if self.meanwhile:
            self.meanwhile()
        if self.refuses:
            return SpanExportResult.FAILURE
        self.taken += spans
        return SpanExportResult.SUCCESS


@contextmanager
def exporting(path: Path, collector: FakeCollector) -> Iterator[Exporter]:
    """The exporter in a thread of this process, until the context is left."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(8)
        exporter = Exporter(listener, collector)
        thread = threading.Thread(target=exporter.run)
        thread.start()
        try:
            yield exporter
        finally:
            collector.answers.set()
            exporter.end()
            thread.join(BOUND_S)
            hangs = thread.is_alive()
            collector.meanwhile = None
            thread.join()
            exporter.close()
            assert not hangs


class Service:
    """A process that makes spans, as far as the exporter sees it."""

    def __init__(self, path: Path, name: str = "orders") -> None:
        self.dropped: list[int] = []
        resource = Resource({"service.name": name})
        self.handover = Handover(str(path), resource, self.dropped.append)
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.provider.add_span_processor(self.handover)

    def make(self, spans: int, text: str = "") -> None:
        tracer = self.provider.get_tracer("test")
        for number in range(spans):
            tracer.start_span(f"work {number}", attributes={"text": text} if text else None).end()

    def hand_over(self) -> None:
        """Waits until the exporter has every span, whatever becomes of it there."""
        until_s = time.monotonic() + BOUND_S
        while self.handover._sent < self.handover.waiting:
            self.handover.force_flush(1)
            assert time.monotonic() < until_s

    def flush(self) -> bool:
        return self.handover.force_flush(int(BOUND_S * 1_000))
