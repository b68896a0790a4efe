"""What the store says about itself at `/metrics`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from observability import names

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
"""OpenMetrics, as every process of Firebreak answers."""

_BYTES_PER_MIB: Final = 1024 * 1024


class StoreMetrics:
    """The instruments of one store. Each is set where its fact is known; what the file takes is looked up when asked."""

    def __init__(self, path: Path, max_size_mib: int, clock_s: Callable[[], float] = time.time) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._oldest_received_s: float | None = None
        self._clock_s = clock_s
        self.spans = self._counter(names.STORE_SPANS, "Spans taken and committed.")
        self.invalid_spans = self._counter(names.STORE_INVALID_SPANS, "Spans refused for want of valid ids, their upload taken.")
        self.log_records = self._counter(names.STORE_LOG_RECORDS, "Log records taken and committed.")
        self.rejected = self._counter(names.STORE_REJECTED, "Uploads refused.", names.LABEL_REASON)
        self.pruned_chunks = self._counter(names.STORE_PRUNED, "Chunks deleted for their age or for room.")
        self.waiting_bytes = self._gauge(names.STORE_WAITING, "Bytes of uploads between their first byte and their commit.")
        self._gauge(names.STORE_FILE, "Bytes of the file and of its log.").set_function(lambda: _size_bytes(path))
        self._gauge(names.STORE_FILE_MAX, "Bytes beyond which the oldest is deleted.").set(max_size_mib * _BYTES_PER_MIB)
        oldest = self._gauge(names.STORE_OLDEST, "How long ago the oldest telemetry that is kept arrived.")
        oldest.set_function(self._oldest_s)

    def oldest_received(self, at_s: float | None) -> None:
        """Notes when the oldest chunk that is kept arrived, in seconds since 1970; None while nothing is kept."""
        self._oldest_received_s = at_s

    async def answer(self, _: Request) -> Response:
        """`GET /metrics`."""
        text: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return Response(text, media_type=CONTENT_TYPE)

    def _oldest_s(self) -> float:
        return 0.0 if self._oldest_received_s is None else max(0.0, self._clock_s() - self._oldest_received_s)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name.removesuffix("_total"), text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry)


def _size_bytes(path: Path) -> int:
    """Of the file and its write-ahead log; what is not there takes nothing."""
    return sum(part.stat().st_size for part in (path, path.with_name(f"{path.name}-wal")) if part.exists())
