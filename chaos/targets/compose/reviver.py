"""Holds the lease of killed containers: `python -m chaos.targets.compose.reviver FOLDER GRANT [--kill]`.

It is nobody's child and in a session of its own, so that it outlives the command that started it, and starts the containers again
when the lease ends. It ends early when its records are gone (healed), when its containers are (the project was taken down), when
somebody else started them, and when it is told to (SIGTERM), which ends the lease.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

from chaos.targets.compose.docker_engine import DockerEngine
from chaos.targets.compose.engine import Engine, EngineError
from chaos.targets.compose.kill_record import KillRecord, KillRecords
from chaos.targets.compose.kills import GRANTED, Kills
from testbed.journal import Event

LOOK_EVERY_S: Final = 0.2
"""How soon it notices that it was healed by somebody else. It looks at a folder, which costs nothing."""
ASK_EVERY_S: Final = 5.0
"""How soon it notices that its project was taken down. It asks the engine, which costs some milliseconds."""
MAX_START_TRIES: Final = 600
"""A second apart, while the engine does not answer. After that the record stays, and the next chaos command mends it."""
_DOWN: Final = ("exited", "created", "dead")


class Reviver:
    """The life of one grant.

    Args:
        folder: Of the project's kill records.
        grant: Which one.
        engine: Kills and starts.
        wait: Waits so many seconds; returns whether it was told to end meanwhile.
    """

    def __init__(self, folder: Path, grant: str, engine: Engine, wait: Callable[[float], bool]) -> None:
        self._grant = grant
        self._engine = engine
        self._wait = wait
        self._records = KillRecords(folder)
        self._kills = Kills(folder, engine)
        self._mine = self._records.of(grant)

    def kill(self) -> None:
        """Kills the containers. Raises EngineError once what was killed runs again."""
        try:
            self._engine.kill([each.container for each in self._mine])
        except EngineError:
            self._kills.release(self._mine, "it could not be killed")
            raise
        for each in self._mine:
            lease_ms = each.remaining_s() * 1_000
            reason = f"kill for {lease_ms:.0f} ms by {each.source}"
            self._kills.journal.write(Event.LEASE_GRANTED, each.instance, reason=reason, lease=each.id)
            self._kills.journal.write(Event.KILL, each.instance, reason=each.source, lease=each.id)
        if not self._records.of(self._grant):  # Whoever asked went away while the engine killed.
            self._engine.start([each.container for each in self._mine])

    def hold(self) -> None:
        """Returns once the lease is over and its containers run again, or are gone."""
        asked_s = time.monotonic()
        while records := self._records.of(self._grant):
            left_s = max(each.remaining_s() for each in records)
            if not left_s or self._wait(min(left_s, LOOK_EVERY_S)):
                break
            if time.monotonic() - asked_s >= ASK_EVERY_S:
                asked_s = time.monotonic()
                self._drop_the_lost(records)
        self._release()
        self._records.forget_lock(self._grant)

    def _drop_the_lost(self, records: tuple[KillRecord, ...]) -> None:
        """Ends the leases of containers that are gone, or that somebody else has started."""
        try:
            states = self._engine.states([each.container for each in records])
        except EngineError:
            return  # An engine that is restarted comes back; the lease's end tries for longer.
        lost = [each for each in records if states.get(each.container) not in _DOWN]
        if lost:
            self._kills.release(lost, "its container was started, or removed, by somebody else")

    def _release(self) -> None:
        for _ in range(MAX_START_TRIES):
            try:
                self._kills.release(self._records.of(self._grant), "its time is over")
            except (EngineError, OSError):
                if self._wait(1.0):
                    return
            else:
                return


def main() -> None:
    """Detaches, kills if that is asked, says so on standard output, and holds the lease."""
    parser = argparse.ArgumentParser(prog="python -m chaos.targets.compose.reviver")
    parser.add_argument("folder", type=Path)
    parser.add_argument("grant")
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
    if os.fork():
        os._exit(0)
    told = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, end)
    reviver = Reviver(options.folder, options.grant, DockerEngine(), told.wait)
    try:
        if options.kill:
            reviver.kill()
    except (EngineError, OSError) as error:
        sys.exit(str(error))
    with suppress(BrokenPipeError):  # Whoever started it was killed meanwhile, and the lease is to be held all the same.
        print(GRANTED, flush=True)  # noqa: T201 - whoever started it reads this.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir("/")
    reviver.hold()


if __name__ == "__main__":
    main()
