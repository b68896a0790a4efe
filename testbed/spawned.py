"""Processes started from scratch, one interpreter each: slower and larger than forked ones, and portable."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

import testbed.leash
from testbed.interpreter import interpreter_environment
from testbed.leash import LEASHED_PROGRAM
from testbed.process import Child, Command, Program


class SpawnedProcesses:
    """Starts `python -m module`, or a program, on a leash where the kernel has one (testbed.leash: Linux)."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[subprocess.Popen[bytes], Child]] = {}

    async def start(self, command: Command | Program) -> Child:
        """Starts a process. Raises OSError when the system is short of something."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)  # No thread a child, as asyncio's own watcher would take.
        process = _spawn(command)
        child = Child(process.pid, loop.create_future())
        self._running[process.pid] = process, child
        self._reap()  # It may have ended before it was listed.
        return child

    def signal(self, child: Child, number: int) -> None:
        """Sends a signal; a process that was not reaped cannot have lent its id to another."""
        if child.pid in self._running:
            self._running[child.pid][0].send_signal(number)

    def close(self) -> None:
        """Kills whatever still runs."""
        for process, child in tuple(self._running.values()):
            process.kill()
            process.wait()
            child.exit.set_result(process.returncode)
        self._running.clear()

    def _reap(self) -> None:
        for pid, (process, child) in tuple(self._running.items()):
            if process.poll() is not None:
                del self._running[pid]
                child.exit.set_result(process.returncode)


def _spawn(command: Command | Program) -> subprocess.Popen[bytes]:
    arguments, environment = _invocation(command)
    with command.log.open("ab") as log:
        return subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )


def _invocation(command: Command | Program) -> tuple[list[str], Mapping[str, str]]:
    """What to execute, and in which environment."""
    if isinstance(command, Program):
        # By its path and without site-packages, for speed: it needs the standard library, and is another program soon.
        leash = [sys.executable, "-I", "-S", testbed.leash.__file__, str(os.getpid()), LEASHED_PROGRAM]
        return [*leash, *command.arguments], command.environment
    leash = [sys.executable, "-m", "testbed.leash", str(os.getpid())]
    return [*leash, command.module], interpreter_environment() | command.environment
