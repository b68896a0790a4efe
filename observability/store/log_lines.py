"""This process's own log: the lines that services write, without the SDK that they need to export theirs."""

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._names = {"service": instance.partition("/")[0], "instance": instance}

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **self._names,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr(level: str, instance: str) -> None:
    """Sends everything this process logs to stderr, from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(instance))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
