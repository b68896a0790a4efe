"""Which containers are held down, by whom, and until when: one small file each, so that it outlives whoever wrote it.

A record is written before its container is killed and removed once it is started again. The process that holds the lease of its
grant (chaos.targets.compose.reviver) has a lock on `<grant>.lock`: that the lock is free tells that it is dead.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class KillRecord:
    """One container that is held down.

    Attributes:
        grant: Which grant it belongs to: all containers of one `chaos kill`.
        instance: Such as `orders/2`.
        container: The engine's id of it.
        granted_at: Unix time, seconds.
        ends_at_s: Of the machine's monotonic clock, which all its processes share.
        boot: Of which start of the machine that clock is; empty where the machine does not tell.
        source: Who asked.
    """

    grant: str
    instance: str
    container: str
    granted_at: float
    ends_at_s: float
    boot: str
    source: str

    @property
    def id(self) -> str:
        """Of the lease."""
        return f"kill-{self.grant}-{self.instance.replace('/', '-')}"

    def remaining_s(self) -> float:
        """Until the lease ends; 0 when it has, or when the machine was started again since."""
        return max(0.0, self.ends_at_s - time.monotonic()) if self.boot == this_boot() else 0.0


def this_boot() -> str:
    """Tells one start of this machine from another."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class KillRecords:
    """The records of one project, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> tuple[KillRecord, ...]:
        """Oldest first. A file that is no record, such as one of another version, is passed over."""
        found = [record for path in self._folder.glob("kill-*.json") if (record := _read(path)) is not None]
        return tuple(sorted(found, key=lambda each: (each.granted_at, each.instance)))

    def grants(self) -> tuple[str, ...]:
        """Every grant that left a record or a lock."""
        locked = [path.stem for path in sorted(self._folder.glob("*.lock"))]
        return tuple(dict.fromkeys([each.grant for each in self.all()] + locked))

    def of(self, grant: str) -> tuple[KillRecord, ...]:
        """Those of one grant that still stand."""
        return tuple(each for each in self.all() if each.grant == grant)

    def write(self, records: Iterable[KillRecord]) -> None:
        """Keeps records, each whole or not at all. Raises OSError."""
        for record in records:
            path = self._path(record)
            fresh = path.with_name(f".{path.name}.{os.getpid()}")
            fresh.write_text(json.dumps(asdict(record)), encoding="utf-8")
            fresh.replace(path)

    def remove(self, records: Iterable[KillRecord]) -> None:
        """Forgets records. Raises OSError."""
        for record in records:
            self._path(record).unlink(missing_ok=True)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Only one process at a time decides who is to be started. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def hold(self, grant: str) -> int | None:
        """A descriptor that holds a grant's lock, to be passed on to who will hold its lease; None if somebody holds it."""
        descriptor = os.open(self._lock(grant), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def forget_lock(self, grant: str) -> None:
        """Removes the lock's file once its grant is over."""
        self._lock(grant).unlink(missing_ok=True)

    def _path(self, record: KillRecord) -> Path:
        return self._folder / f"{record.id}.json"

    def _lock(self, grant: str) -> Path:
        return self._folder / f"{grant}.lock"


def _read(path: Path) -> KillRecord | None:
    try:
        return KillRecord(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
