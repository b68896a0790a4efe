"""The journal of processes: what was started, ended and done to them, one JSON object a line."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

_log = logging.getLogger(__name__)


class Event(StrEnum):
    """What can happen to an instance."""

    START = "start"
    READY = "ready"
    EXIT = "exit"
    KILL = "kill"
    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"
    GAVE_UP = "gave_up"
    LEASE_GRANTED = "lease_granted"
    LEASE_ENDED = "lease_ended"


@dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        t: Unix time, seconds.
        event: What happened.
        instance: To whom, such as `orders/2`.
        pid: Process id, 0 when no process ran.
        reason: Why, or who asked.
        lease: Id of the process fault's lease, if one was the cause.
    """

    t: float
    event: Event
    instance: str
    pid: int = 0
    reason: str = ""
    lease: str = ""


class Journal:
    """Appends entries to a file; a full disk costs the entry, never the system."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now

    def write(self, event: Event, instance: str, *, pid: int = 0, reason: str = "", lease: str = "") -> None:
        """Appends one entry."""
        entry = Entry(round(self._now(), 6), event, instance, pid, reason, lease)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(entry)) + "\n")
        except OSError as error:
            _log.error("%s: %s; lost: %s", self._path, error.strerror, entry)
