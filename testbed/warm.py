"""The warmed parent: one single-threaded process that has imported every service, from which all of them are forked.

Importing FastAPI and its company costs 0.4 s and tens of MiB a process; forked children share both. The parent starts no
thread, event loop or telemetry, since a fork copies the state of these without the threads that drive it. It ends when the
supervisor's end of the socket closes, and its children end with it. Linux only.
"""

import gc
import importlib
import os
import select
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Final, NoReturn

from testbed.leash import die_with
from testbed.messages import MAX_PACKET_BYTES, Exited, Message, Refused, Signal, Start, Started, Warmed, decode, encode

_MAX_COMM_CHARS: Final = 15  # The kernel keeps no more.


class Warm:
    """Forks children on request and reports their ends."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._children: dict[int, int] = {}  # pidfd -> pid
        self._poll: Final = select.poll()
        self._poll.register(channel, select.POLLIN)

    def serve(self) -> Start | None:
        """Serves until the supervisor closes the socket: None. In a forked child it returns what the child is to become."""
        while True:
            for descriptor, _events in self._poll.poll():
                if descriptor != self._channel.fileno():
                    self._reap(descriptor)
                    continue
                packet = self._channel.recv(MAX_PACKET_BYTES)
                if not packet:
                    return None
                message = decode(packet)
                if isinstance(message, Start) and self._fork(message):
                    return message
                if isinstance(message, Signal):
                    self._signal(message)

    def say(self, message: Message) -> None:
        """Sends a message to the supervisor; a supervisor that is gone shows at the next read."""
        try:
            self._channel.send(encode(message))
        except (BrokenPipeError, ConnectionResetError):
            return

    def _fork(self, start: Start) -> bool:
        """True in the child."""
        parent_pid = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            self.say(Refused(start.instance, f"cannot fork: {error.strerror}"))
            return False
        if pid == 0:
            self._leave(parent_pid)
            return True
        descriptor = os.pidfd_open(pid)
        self._children[descriptor] = pid
        self._poll.register(descriptor, select.POLLIN)
        self.say(Started(start.instance, pid))
        return False

    def _leave(self, parent_pid: int) -> None:
        """In the child: nothing of the parent's stays open, and the child lives no longer than the parent."""
        die_with(parent_pid)
        os.setsid()
        self._channel.close()
        for descriptor in self._children:
            os.close(descriptor)

    def _reap(self, descriptor: int) -> None:
        pid = self._children.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _pid, status = os.waitpid(pid, 0)
        self.say(Exited(pid, os.waitstatus_to_exitcode(status)))

    def _signal(self, message: Signal) -> None:
        if message.pid in self._children.values():  # Not reaped, so the id is still this child's.
            os.kill(message.pid, message.number)


def import_modules(names: list[str]) -> str | None:
    """Imports modules and settles the heap for sharing; returns why it could not."""
    gc.disable()  # A collection while importing would only touch pages.
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a module may raise anything while it is imported; the reason is reported
            traceback.print_exc()
            return f"module {name} cannot be imported: {type(error).__name__}: {error}"
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        return f"importing {', '.join(names)} started {threads - 1} threads, which a forked process would lose; use --spawn"
    gc.collect()
    gc.freeze()  # The children's collectors leave these objects, and so the shared pages, alone.
    return None


def become(start: Start) -> NoReturn:
    """Turns a forked child into the process that was asked for."""
    log = os.open(start.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.update(start.environment)
    sys.argv = [start.module]
    Path("/proc/self/comm").write_text(start.instance[:_MAX_COMM_CHARS])  # `ps` and `top` show who it is.
    gc.enable()
    sys.modules[start.module].main()
    sys.exit(0)


def main() -> None:
    """`python -m testbed.warm DESCRIPTOR PARENT MODULE...`: serves the socket at DESCRIPTOR."""
    began = time.perf_counter()
    descriptor, parent_pid, *modules = sys.argv[1:]
    die_with(int(parent_pid))
    warm = Warm(socket.socket(fileno=int(descriptor)))
    reason = import_modules(modules)
    if reason is not None:
        warm.say(Refused("", reason))
        return
    warm.say(Warmed(time.perf_counter() - began))
    start = warm.serve()
    if start is not None:
        become(start)


if __name__ == "__main__":
    main()
