"""One JSON line for every request, written in batches while the load runs.

The record is what verdicts are made of, so it is all or nothing: a line that cannot be kept makes the whole run incomplete, and
the reason is kept.
"""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

RECORDS_FILE: Final = "requests.jsonl"
MAX_WAITING: Final = 100_000
"""Records kept in memory while the disk is slow: some 25 MB."""

Outcome = Literal["ok", "failed", "abandoned", "error"]
"""ok: answered as it should be. failed: answered otherwise. abandoned: patience was over. error: no answer, or never sent."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request. Instants are seconds since the schedule's start."""

    journey: str
    id: str
    """Of the journey: `<source>-<sequence>`."""
    step: str
    intended: float
    """The scheduled instant of a first step; the end of the step before for a later one."""
    sent: float
    done: float
    status: int
    """HTTP status; 0 without an answer."""
    outcome: Outcome
    degraded: bool
    """Whether the answer carried the header `Degraded`."""
    trace_id: str
    last: bool
    """Whether the journey ends here: its last step, or one that was not ok."""

    def line(self) -> str:
        """As a line of JSON. Written by hand: it runs between two arrivals, and no text in it needs escaping."""
        return (
            f'{{"journey":"{self.journey}","id":"{self.id}","step":"{self.step}","intended":{self.intended:.6f},'
            f'"sent":{self.sent:.6f},"done":{self.done:.6f},"status":{self.status},"outcome":"{self.outcome}",'
            f'"degraded":{_JSON[self.degraded]},"trace_id":"{self.trace_id}","last":{_JSON[self.last]}}}\n'
        )


_JSON: Final = {True: "true", False: "false"}


class Recorder:
    """Keeps records in `folder`/requests.jsonl, which must not exist yet. Raises OSError when it cannot be created.

    `record` is cheap and never blocks; somebody calls `take` and `write` at least each half second, and `write` may do so in a
    thread of its own.
    """

    def __init__(self, folder: Path, max_waiting: int = MAX_WAITING) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / RECORDS_FILE
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self._waiting: list[str] = []
        self._max_waiting = max_waiting
        self._written_bytes = 0
        self.problem: str | None = None
        """Why the record is incomplete; None while it is whole."""

    def record(self, record: RequestRecord) -> None:
        """Keeps one request, unless the record is incomplete already."""
        if self.problem is None and len(self._waiting) >= self._max_waiting:
            self.problem = f"{self._path}: the disk is too slow, more than {self._max_waiting} records waited for it"
        if self.problem is None:
            self._waiting.append(record.line())

    def take(self) -> bytes:
        """Whole lines that wait to be written; they are the caller's to write now."""
        batch, self._waiting = self._waiting, []
        return "".join(batch).encode("ascii")

    def write(self, batch: bytes) -> None:
        """Appends a batch. A disk that refuses is told in `problem`; the file then ends with the last whole batch."""
        if self.problem is not None:
            return
        view = memoryview(batch)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
            self._written_bytes += len(batch)
        except OSError as error:
            self.problem = f"{self._path} cannot be written: {error.strerror}"
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._written_bytes)

    def close(self) -> None:
        """Writes what waits and closes the file."""
        self.write(self.take())
        os.close(self._fd)


def write_atomically(path: Path, content: object) -> None:
    """Writes `content` as JSON to `path`, whole or not at all. Raises OSError."""
    unfinished = path.with_suffix(".tmp")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
