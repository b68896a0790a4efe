"""One event of one process as its log has it: structured, or text that something else than logging wrote."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_LEVEL_WORDS: Final = {"trace": "debug", "warn": "warning", "fatal": "critical", **{level: level for level in LEVELS}}
_SHOWN_APART: Final = {"time", "level", "service", "instance", "replica", "logger", "message", "trace_id", "span_id", "exception"}
_TIME: Final = re.compile(r"T(\d\d:\d\d:\d\d\.\d{3})")
_LOGFMT: Final = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_LOGFMT_START: Final = re.compile(r"(?:ts|time|t|logger)=")
_LOGFMT_NAMES: Final = {"ts": "time", "t": "time", "msg": "message", "component": "logger"}


@dataclass(frozen=True)
class LogLine:
    """One event of one process.

    Attributes:
        instance: Such as `orders/2`.
        time: ISO 8601, UTC; for text without a time (a traceback) the time of the line before it.
        level: One of LEVELS; text without a level counts as `error`, because it is what a crash leaves.
        message: What happened, with further fields as `key=value`, and an exception on lines of its own.
        trace_id: 32 hexadecimal digits, or empty.
        fields: All that was written, by name.
    """

    instance: str
    time: str
    level: str
    message: str
    trace_id: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def clock(self) -> str:
        """Time of day with milliseconds."""
        match = _TIME.search(self.time)
        return match[1] if match else "            "

    @property
    def moment(self) -> datetime | None:
        """The time; None when there is none that can be read."""
        try:
            moment = datetime.fromisoformat(self.time)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def to_json(self) -> str:
        """The event as one line for programs: what was written, and always a time, level, service, instance and message."""
        named = {"time": self.time, "level": self.level, "service": self.instance.partition("/")[0], "instance": self.instance}
        return json.dumps({**named, "message": self.message, **self.fields, "level": self.level}, ensure_ascii=False)


@dataclass(frozen=True)
class LogFilter:
    """Which lines to show.

    Attributes:
        level: This one and above.
        trace_id: The beginning of the id of their trace; empty for any.
        since: Not before; None for any time. What has no time is shown: it is what a crash leaves.
        text: What the message, a field or the logger's name has in it, in upper or lower case.
    """

    level: str = "debug"
    trace_id: str = ""
    since: datetime | None = None
    text: str = ""

    def passes(self, line: LogLine) -> bool:
        """Whether a line is to be shown."""
        if LEVELS.index(line.level) < LEVELS.index(self.level) or not line.trace_id.startswith(self.trace_id):
            return False
        moment = line.moment if self.since else None
        if self.since and moment and moment < self.since:
            return False
        wanted = self.text.lower()
        return not wanted or any(wanted in text.lower() for text in (line.message, str(line.fields.get("logger", ""))))


def by_time(lines: Iterable[LogLine]) -> list[LogLine]:
    """The earliest first; lines of one moment stay in their order."""
    return sorted(lines, key=lambda line: line.time)


def parse_line(instance: str, text: str, last_time: str) -> LogLine:
    """A line of a log as an event: our JSON, the `key=value` of programs that others wrote, or any text."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = _logfmt(text)
    if not isinstance(fields, dict):
        return LogLine(instance, last_time, "error", text)
    return structured_line(instance, fields, last_time)


def structured_line(instance: str, fields: Mapping[str, object], last_time: str = "") -> LogLine:
    """An event of named values; `level` may be spelled as OpenTelemetry spells it."""
    extra = [f"{key}={value}" for key, value in fields.items() if key not in _SHOWN_APART]
    message = " ".join([str(fields.get("message", "")), *extra]).strip()
    exception = f"\n{fields['exception']}" if fields.get("exception") else ""
    return LogLine(
        instance=instance,
        time=str(fields.get("time", last_time)),
        level=_LEVEL_WORDS.get(str(fields.get("level", "info")).lower(), "info"),
        message=message + exception,
        trace_id=str(fields.get("trace_id") or ""),
        fields=fields,
    )


def _logfmt(text: str) -> dict[str, str] | None:
    """`ts=... level=info msg="..."`, as Prometheus, Alertmanager and Grafana write in their versions."""
    if not _LOGFMT_START.match(text):
        return None
    fields = {_LOGFMT_NAMES.get(key, key): quoted.replace('\\"', '"') or plain for key, quoted, plain in _LOGFMT.findall(text)}
    with suppress(KeyError, ValueError):  # As ours, whatever their zone, so that lines can be ordered by it.
        fields["time"] = datetime.fromisoformat(fields["time"]).astimezone(UTC).isoformat(timespec="milliseconds")
    return fields
