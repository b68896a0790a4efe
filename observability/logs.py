"""Logs: one JSON object a line on standard output, and the same record over OTLP, each with trace, span and request id."""

import json
import logging
import sys
from datetime import UTC, datetime

from opentelemetry import trace
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider

from observability.log_export import MAX_TEXT_CHARS
from observability.log_flood import FloodGate
from observability.redaction import Redactor
from observability.request_id import mark

TELL_VALUES = ("aiosqlite",)
"""Loggers of libraries whose debug lines have every value of every statement, and with them the data of customers."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One line a record: time (UTC, ISO 8601), level, instance, logger, message, trace and span id, what else `extra` gave."""

    def __init__(self, service: str, instance: str, redactor: Redactor) -> None:
        super().__init__()
        self._service = service
        self._instance = instance
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, without secrets; a text is cut at MAX_TEXT_CHARS characters."""
        context = trace.get_current_span().get_span_context()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "instance": self._instance,
            "logger": record.name,
            "message": self._redactor.head(record.getMessage(), MAX_TEXT_CHARS),
        }
        if context.is_valid:
            line["trace_id"] = f"{context.trace_id:032x}"
            line["span_id"] = f"{context.span_id:016x}"
        line |= {key: self._extra(key, value) for key, value in vars(record).items() if key not in _STANDARD and key not in line}
        if record.exc_info:
            line["exception"] = self._redactor.tail(self.formatException(record.exc_info), MAX_TEXT_CHARS)
        return json.dumps(line, ensure_ascii=False)

    def _extra(self, name: str, value: object) -> object:
        shown = self._redactor.value(name, value)
        return shown[:MAX_TEXT_CHARS] if isinstance(shown, str) else shown


def configure_logging(
    service: str, instance: str, level: str, provider: LoggerProvider | None, redactor: Redactor | None = None
) -> None:
    """Points this process's root logger at standard output and, with a provider, at the collector. Replaces what was there."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(JsonFormatter(service, instance, redactor or Redactor()))
    lines.addFilter(mark)
    lines.addFilter(FloodGate())
    root.addHandler(lines)
    root.setLevel(level.upper())
    for name in TELL_VALUES:
        logging.getLogger(name).setLevel(logging.INFO)
    if provider:
        exported = LoggingHandler(logger_provider=provider)
        exported.addFilter(_not_about_exporting)
        exported.addFilter(mark)
        root.addHandler(exported)


def _not_about_exporting(record: logging.LogRecord) -> bool:
    """Keeps the exporter's own complaints off the way that it complains about."""
    return not record.name.startswith(("opentelemetry", "urllib3", "requests"))
