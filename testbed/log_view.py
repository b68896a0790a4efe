"""Reads the processes' log files: all replicas of some services merged by time, filtered, and followed."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from testbed.log_line import LogFilter, LogLine, by_time, parse_line
from testbed.run import RunFolder

MAX_TAIL_BYTES: Final = 4 * 1024 * 1024
"""What is read of each file's end: older lines are in the file itself."""
Target = tuple[str, int | None]
"""A service, and one of its replicas or (None) all."""
_FOLLOW_PAUSE_S: Final = 0.2


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
                    self._pending = self._cut_off(MAX_TAIL_BYTES - size)
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

    def _cut_off(self, max_bytes: int) -> bytes:
        """The end of what was moved away when the file reached its bound (testbed.rotation)."""
        if max_bytes <= 0:
            return b""
        try:
            with self.path.with_name(f"{self.path.name}.1").open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - max_bytes))
                return file.read(max_bytes)
        except FileNotFoundError:
            return b""


def log_files(folder: RunFolder, targets: Sequence[Target]) -> list[LogFile]:
    """The logs of some services, replicas or programs beside them, or of all when none is named.

    Raises:
        LookupError: There are none of that name; the text says which there are.
    """
    logs = folder.logs
    found = {"/".join(path.stem.rsplit("-", 1)): path for path in sorted(logs.glob("*.jsonl"))}
    found |= {path.parent.name: path for path in sorted(folder.stack.glob("*/log"))}
    if not found:
        raise LookupError(f"no logs in {logs}; start a testbed with: testbed up")
    for target in targets:
        if not any(is_of(name, [target]) for name in found):
            services = ", ".join(sorted({name.partition("/")[0] for name in found}))
            raise LookupError(f"no log of {_spelled(target)!r}; allowed: {services}")
    return [LogFile(name, path) for name, path in found.items() if is_of(name, targets)]


def tail(files: list[LogFile], wanted: LogFilter, count: int) -> list[LogLine]:
    """The last `count` lines of all files that pass the filter, by time."""
    lines = by_time(line for file in files for line in file.read() if wanted.passes(line))
    return lines[-count:] if count else []


def follow(files: list[LogFile], wanted: LogFilter, runs: Callable[[], bool]) -> Iterator[LogLine]:
    """New lines that pass the filter, for as long as the system runs."""
    alive = True
    while alive:
        alive = runs()  # Asked before the read, so that the last lines of a system that ended are shown.
        yield from by_time(line for file in files for line in file.read() if wanted.passes(line))
        time.sleep(_FOLLOW_PAUSE_S if alive else 0)


def is_of(instance: str, targets: Sequence[Target]) -> bool:
    """Whether `orders/2` is one of the targets; without any, everything is."""
    service, _slash, replica = instance.partition("/")
    return not targets or any(service == name and number in (None, int(replica or 0)) for name, number in targets)


def _spelled(target: Target) -> str:
    service, replica = target
    return f"{service}/{replica}" if replica else service
