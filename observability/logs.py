"""Logs: one JSON object a line on standard output, and the same record over OTLP, each with trace, span and request id."""

import json
import logging
import sys
from datetime import UTC, datetime

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from observability.request_id import mark

MAX_QUEUED_RECORDS = 2_048
BATCH_RECORDS = 128
FLUSH_INTERVAL_MS = 500
EXPORT_TIMEOUT_S = 2.0
MAX_MESSAGE = 4_000
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One line a record: time (UTC, ISO 8601), level, instance, logger, message, trace and span id, what else `extra` gave."""

    def __init__(self, service: str, instance: str) -> None:
        super().__init__()
        self._service = service
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; a message is cut at MAX_MESSAGE characters."""
        context = trace.get_current_span().get_span_context()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "instance": self._instance,
            "logger": record.name,
            "message": record.getMessage()[:MAX_MESSAGE],
        }
        if context.is_valid:
            line["trace_id"] = f"{context.trace_id:032x}"
            line["span_id"] = f"{context.span_id:016x}"
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD and key not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)[-MAX_MESSAGE:]
        return json.dumps(line, default=str, ensure_ascii=False)


def logger_provider(resource: Resource, endpoint: str) -> LoggerProvider:
    """A provider that sends records to `endpoint` in batches, without ever blocking who logs."""
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(
            OTLPLogExporter(f"{endpoint}/v1/logs", timeout=EXPORT_TIMEOUT_S),
            max_queue_size=MAX_QUEUED_RECORDS,
            schedule_delay_millis=FLUSH_INTERVAL_MS,
            max_export_batch_size=BATCH_RECORDS,
        )
    )
    return provider


def configure_logging(service: str, instance: str, level: str, provider: LoggerProvider | None) -> None:
    """Points this process's root logger at standard output and, with a provider, at the collector. Replaces what was there."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(JsonFormatter(service, instance))
    lines.addFilter(mark)
    root.addHandler(lines)
    root.setLevel(level.upper())
    if provider:
        exported = LoggingHandler(logger_provider=provider)
        exported.addFilter(_not_about_exporting)
        exported.addFilter(mark)
        root.addHandler(exported)


def _not_about_exporting(record: logging.LogRecord) -> bool:
    """Keeps the exporter's own complaints off the way that it complains about."""
    return not record.name.startswith(("opentelemetry", "urllib3", "requests"))
