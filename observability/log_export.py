"""Log records on their way to a collector: searched for secrets, bounded, sent in batches, and counted when they are lost."""

from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource

from observability.counted_queue import CountedQueue
from observability.redaction import Redactor

MAX_QUEUED_RECORDS: Final = 2_048
BATCH_RECORDS: Final = 128
FLUSH_INTERVAL_MS: Final = 500
EXPORT_TIMEOUT_S: Final = 2.0
MAX_TEXT_CHARS: Final = 4_000
"""Of a message and of any value beside it. What is longer is cut; a stack trace keeps its end, where the reason is."""


class CleanRecords(LogRecordProcessor):
    """Changes each record before the next processor takes it: no secrets, and no text beyond its bound."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Cleans one record in place."""
        record = log_record.log_record
        if isinstance(record.body, str):
            record.body = self._redactor.head(record.body, MAX_TEXT_CHARS)
        attributes = record.attributes or {}
        for name, value in list(attributes.items()):
            if isinstance(value, str) and name.startswith("exception."):
                clean: object = self._redactor.tail(value, MAX_TEXT_CHARS)
            else:
                clean = self._redactor.value(name, value)
                clean = clean[:MAX_TEXT_CHARS] if isinstance(clean, str) else clean
            if clean != value:
                attributes[name] = clean  # type: ignore[index]  # typed as a Mapping, and made mutable for processors.

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the base gives it.
        """Nothing is held."""
        return True


class CountedExporter(LogRecordExporter):
    """Hands records on, and has the queue count those that could not be delivered."""

    def __init__(self, inner: LogRecordExporter, queue: CountedQueue) -> None:
        self._inner = inner
        self._queue = queue

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Exports, in the processor's own thread."""
        return self._queue.hand_on(batch, self._inner.export, LogRecordExportResult.SUCCESS)

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._inner.shutdown()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Sends what the exporter itself holds back."""
        return self._inner.force_flush(timeout_millis)


class CountedRecords(BatchLogRecordProcessor):
    """Sends records in batches, and reports those that come faster than they can be sent.

    The base drops the oldest, and logs a line for each: a flood would feed itself.
    """

    def __init__(self, exporter: LogRecordExporter, dropped: Callable[[int], None]) -> None:
        self._queue = CountedQueue(MAX_QUEUED_RECORDS, dropped)
        super().__init__(
            CountedExporter(exporter, self._queue),
            max_queue_size=MAX_QUEUED_RECORDS,
            schedule_delay_millis=FLUSH_INTERVAL_MS,
            max_export_batch_size=BATCH_RECORDS,
        )

    @property
    def waiting(self) -> int:
        """Records that are not on their way yet."""
        return self._queue.waiting

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queues a record, or drops it when the queue is full."""
        if self._queue.admit():
            super().on_emit(log_record)


def exporting_records(endpoint: str, dropped: Callable[[int], None]) -> CountedRecords:
    """Sends records to `endpoint`/v1/logs, without ever blocking who logs."""
    return CountedRecords(OTLPLogExporter(f"{endpoint}/v1/logs", timeout=EXPORT_TIMEOUT_S), dropped)


def logger_provider(resource: Resource, exporting: LogRecordProcessor, redactor: Redactor) -> LoggerProvider:
    """A provider of its own, never the global one."""
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(CleanRecords(redactor))
    provider.add_log_record_processor(exporting)
    return provider
