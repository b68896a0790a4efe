from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource

from observability.log_export import MAX_QUEUED_RECORDS, MAX_TEXT_CHARS, CountedRecords, logger_provider
from observability.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord


class Collector(LogRecordExporter):
    """Takes records only once it is opened, if at all."""

    def __init__(self, result: LogRecordExportResult = LogRecordExportResult.SUCCESS) -> None:
        self.open = threading.Event()
        self.asked = threading.Event()
        self.taken = 0
        self._result = result

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.asked.set()
        assert self.open.wait(10)
        self.taken += len(batch)
        return self._result

    def shutdown(self) -> None:
        self.open.set()

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


@pytest.fixture
def loggers() -> Iterator[list[logging.Logger]]:
    """Loggers that a test made, given back without their handlers."""
    made: list[logging.Logger] = []
    yield made
    for logger in made:
        logger.handlers.clear()


def fail(text: str) -> None:
    raise ValueError(text)


def logger_to(exporting: LogRecordProcessor, loggers: list[logging.Logger]) -> logging.Logger:
    logger = logging.getLogger("shop.of.tests")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(LoggingHandler(logger_provider=logger_provider(Resource({}), exporting, Redactor(["known-to-be-secret"]))))
    loggers.append(logger)
    return logger


def test_what_a_full_queue_cannot_take_is_dropped_and_counted_and_nobody_waits(loggers: list[logging.Logger]) -> None:
    collector, dropped = Collector(), [0]
    records = CountedRecords(collector, dropped.append)
    logger = logger_to(records, loggers)
    for number in range(MAX_QUEUED_RECORDS + 500):
        logger.info("said %d", number)
    assert records.waiting <= MAX_QUEUED_RECORDS
    collector.open.set()
    records.shutdown()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    assert collector.taken + sum(dropped) == MAX_QUEUED_RECORDS + 500
    assert sum(dropped) >= 500 - 128, "only a batch on its way frees room"


def test_records_that_the_collector_refuses_are_counted_as_dropped(loggers: list[logging.Logger]) -> None:
    collector, dropped = Collector(LogRecordExportResult.FAILURE), [0]
    collector.open.set()
    records = CountedRecords(collector, dropped.append)
    logger_to(records, loggers).info("said")
    records.shutdown()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    assert sum(dropped) == 1


def test_a_record_leaves_without_secrets_and_within_its_bounds(loggers: list[logging.Logger]) -> None:
    kept = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    logger = logger_to(SimpleLogRecordProcessor(kept), loggers)
    try:
        fail("x" * MAX_TEXT_CHARS + " nats://a:pass-word@b:1")
    except ValueError:
        logger.exception("known-to-be-secret %s", "y" * MAX_TEXT_CHARS, extra={"password": "hunter2", "attempt": 2})
    (record,) = [each.log_record for each in kept.get_finished_logs()]
    attributes = record.attributes or {}
    assert str(record.body).startswith("[redacted] yyy")
    assert len(str(record.body)) == MAX_TEXT_CHARS
    assert (attributes["password"], attributes["attempt"]) == ("[redacted]", 2)
    for name in ("exception.message", "exception.stacktrace"):
        assert str(attributes[name]).rstrip().endswith("nats://a:[redacted]@b:1")
        assert len(str(attributes[name])) <= MAX_TEXT_CHARS
