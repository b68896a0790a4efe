"""Reads the processes' logs: all of a service's replicas merged by time, filtered, and followed."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
MAX_TAIL_BYTES: Final = 4 * 1024 * 1024
"""What is read of each file's end: older lines are in the file itself."""
_FOLLOW_PAUSE_S: Final = 0.2
_SHOWN_APART: Final = {"time", "level", "service", "instance", "replica", "logger", "message", "trace_id", "span_id", "exception"}
_TIME: Final = re.compile(r"T(\d\d:\d\d:\d\d\.\d{3})")


@dataclass(frozen=True)
class LogLine:
    """One event of one process.

    Attributes:
        instance: Such as `orders/2`.
        time: ISO 8601, UTC; for text without a time (a traceback) the time of the line before it.
        level: One of LEVELS; text without a level counts as `error`, because it is what a crash leaves.
        message: What happened, with further fields as `key=value`.
        trace_id: 32 hexadecimal digits, or empty.
    """

    instance: str
    time: str
    level: str
    message: str
    trace_id: str = ""

    @property
    def clock(self) -> str:
        """Time of day with milliseconds."""
        match = _TIME.search(self.time)
        return match[1] if match else "            "


@dataclass(frozen=True)
class LogFilter:
    """Which lines to show: from a level on, and of one trace (a prefix of its id is enough)."""

    level: str = "debug"
    trace_id: str = ""

    def passes(self, line: LogLine) -> bool:
        """Whether a line is to be shown."""
        return LEVELS.index(line.level) >= LEVELS.index(self.level) and line.trace_id.startswith(self.trace_id)


@dataclass
class LogFile:
    """One process's log, read from its tail on."""

    instance: str
    path: Path
    _position: int | None = None
    _pending: bytes = field(default=b"", repr=False)
    _time: str = ""

    def read(self) -> Iterator[LogLine]:
        """Lines that were completed since the last call. A file that was cut short by its bound is read anew."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, 2)
                if self._position is None:
                    self._position = max(0, size - MAX_TAIL_BYTES)
                elif size < self._position:
                    self._position, self._pending = 0, b""
                file.seek(self._position)
                data = self._pending + file.read(MAX_TAIL_BYTES)
                self._position = file.tell()
        except FileNotFoundError:
            return
        *lines, self._pending = data.split(b"\n")
        for raw in lines:
            if raw.strip():
                line = parse_line(self.instance, raw.decode(errors="replace"), self._time)
                self._time = line.time
                yield line


def parse_line(instance: str, text: str, last_time: str) -> LogLine:
    """A line of a log as an event; text that is no JSON object stays what it is."""
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        return LogLine(instance, last_time, "error", text)
    level = str(fields.get("level", "info")).lower()
    extra = [f"{key}={value}" for key, value in fields.items() if key not in _SHOWN_APART]
    message = " ".join([str(fields.get("message", "")), *extra]).strip()
    exception = f"\n{fields['exception']}" if fields.get("exception") else ""
    return LogLine(
        instance=instance,
        time=str(fields.get("time", last_time)),
        level=level if level in LEVELS else "info",
        message=message + exception,
        trace_id=str(fields.get("trace_id") or ""),
    )


def log_files(logs: Path, service: str | None, replica: int | None) -> list[LogFile]:
    """The logs of a service's replicas, or of all. Raises LookupError naming what there is."""
    found = {path.stem: path for path in sorted(logs.glob("*.jsonl"))}
    names = {stem: "/".join(stem.rsplit("-", 1)) for stem in found}
    chosen = [LogFile(names[stem], path) for stem, path in found.items() if _matches(names[stem], service, replica)]
    if not found:
        raise LookupError(f"no logs in {logs}; start a testbed with: testbed up")
    if not chosen:
        wanted = f"{service}/{replica}" if replica else service
        raise LookupError(
            f"no log of {wanted!r}; allowed: {', '.join(sorted({name.partition('/')[0] for name in names.values()}))}"
        )
    return chosen


def tail(files: list[LogFile], wanted: LogFilter, count: int) -> list[LogLine]:
    """The last `count` lines of all files that pass the filter, by time."""
    lines = [line for file in files for line in file.read() if wanted.passes(line)]
    return sorted(lines, key=lambda line: line.time)[-count:] if count else []


def follow(files: list[LogFile], wanted: LogFilter, runs: Callable[[], bool]) -> Iterator[LogLine]:
    """New lines that pass the filter, for as long as the system runs."""
    alive = True
    while alive:
        alive = runs()  # Asked before the read, so that the last lines of a system that ended are shown.
        yield from sorted((line for file in files for line in file.read() if wanted.passes(line)), key=lambda line: line.time)
        time.sleep(_FOLLOW_PAUSE_S if alive else 0)


def _matches(name: str, service: str | None, replica: int | None) -> bool:
    own_service, _slash, own_replica = name.partition("/")
    return service in (None, own_service) and replica in (None, int(own_replica))
