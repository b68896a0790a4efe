"""Containers that are killed and held down: leases of the engine's kills, and what becomes of them whoever dies meanwhile."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from chaos.targets.compose.engine import Engine, EngineError
from chaos.targets.compose.kill_record import KillRecord, KillRecords, this_boot
from testbed.journal import Event, Journal

GRANTED: Final = "granted"
"""What a reviver says once its containers are dead and it holds their lease."""
_GRANT_TIMEOUT_S: Final = 40.0
_JOURNAL: Final = "processes.jsonl"

Spawn = Callable[[Path, str, int, bool], str]
"""Starts a reviver for a grant in a folder, on a lock, to kill or only to hold; returns what it says."""


class Kills:
    """The kill leases of one project.

    Args:
        folder: Where its records and its journal are kept.
        engine: Kills and starts.
        spawn: Starts revivers.
    """

    def __init__(self, folder: Path, engine: Engine, spawn: Spawn | None = None) -> None:
        self._folder = folder
        self._engine = engine
        self._spawn = spawn or spawn_reviver
        self._records = KillRecords(folder)
        self.journal = Journal(folder / _JOURNAL)

    @property
    def journal_file(self) -> Path:
        """What was killed and started again, in the form of a keeper's journal."""
        return self._folder / _JOURNAL

    def records(self) -> tuple[KillRecord, ...]:
        """What is held down, or was by a reviver that is dead."""
        return self._records.all()

    def grant(self, containers: Mapping[str, str], lease_ms: float, source: str) -> tuple[KillRecord, ...]:
        """Kills all of these containers (ids by instance) and holds them down until the lease ends, or does nothing.

        Raises:
            EngineError: They cannot be killed; nothing is held down.
            OSError: The records cannot be kept.
        """
        grant, now = secrets.token_hex(6), time.time()
        ends_at_s, boot = time.monotonic() + lease_ms / 1_000, this_boot()
        records = tuple(KillRecord(grant, name, each, now, ends_at_s, boot, source) for name, each in containers.items())
        with self._records.exclusively():
            self._records.write(records)
            lock = self._records.hold(grant)
        try:
            said = "its lock is held by somebody else" if lock is None else self._spawned(grant, lock, kill=True)
        except BaseException:  # Ctrl-C as well: nothing stays that nobody was told of.
            self.release(records, "nobody waited for it")
            raise
        if said != GRANTED:
            self.release(records, "it was not granted")
            raise EngineError(f"{said or 'the process that was to hold the lease ended without a word'}; nothing was killed")
        return records

    def release(self, records: Iterable[KillRecord], reason: str) -> int:
        """Ends leases: starts what nobody else holds down, then forgets them. Returns how many. Raises EngineError, OSError."""
        with self._records.exclusively():
            mine = {each.id for each in records}
            standing = self._records.all()
            ending = [each for each in standing if each.id in mine]
            held = {each.container for each in standing if each.id not in mine and each.remaining_s()}
            self._start({each.container for each in ending} - held)
            self._records.remove(ending)
        for each in ending:
            self.journal.write(Event.LEASE_ENDED, each.instance, reason=reason, lease=each.id)
            if each.container not in held:
                self.journal.write(Event.START, each.instance, reason="kill lease ended", lease=each.id)
        return len(ending)

    def mend(self) -> None:
        """Takes over what dead revivers left: ends leases that are over, and has the others held again.

        Raises EngineError, OSError.
        """
        for grant in self._records.grants():
            lock = self._records.hold(grant)
            if lock is None:
                continue
            records = self._records.of(grant)
            if any(each.remaining_s() for each in records):
                self._spawned(grant, lock, kill=False)
                continue
            try:
                self.release(records, "its reviver had died")
                self._records.forget_lock(grant)
            finally:
                os.close(lock)

    def _spawned(self, grant: str, lock: int, *, kill: bool) -> str:
        """What a reviver says that was started; the lock is its own from then on."""
        try:
            return self._spawn(self._folder, grant, lock, kill)
        finally:
            os.close(lock)

    def _start(self, containers: Collection[str]) -> None:
        if containers:
            self._engine.start(sorted(containers))


def spawn_reviver(folder: Path, grant: str, lock: int, kill: bool) -> str:  # noqa: FBT001 - a Spawn
    """Starts a reviver that is nobody's child and holds `lock` from now on, whoever dies; returns what it says."""
    command = [sys.executable, "-m", "chaos.targets.compose.reviver", str(folder), grant, *(["--kill"] if kill else [])]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            pass_fds=[lock],
            start_new_session=True,
            timeout=_GRANT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the engine did not kill within {_GRANT_TIMEOUT_S:g} s"
    return (done.stdout or done.stderr).decode(errors="replace").strip()
