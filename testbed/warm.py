"""The warmed parent: one single-threaded process that has imported every service, from which all of them are forked.

Importing FastAPI and its company costs half a second and tens of MiB a process; forked children share both. The parent starts no
thread, event loop or telemetry, since a fork copies the state of these without the threads that drive it. It ends when the
supervisor's end of the socket closes, and its children end with it. Linux only.
"""

import gc
import importlib
import os
import select
import socket
import sys
import traceback
from pathlib import Path
from typing import Final, NoReturn

from testbed.leash import die_with
from testbed.messages import MAX_PACKET_BYTES, Exited, Imported, Message, Refused, Signal, Start, Started, decode, encode

_MAX_COMM_CHARS: Final = 15  # The kernel keeps no more.


class Warm:
    """Imports modules, forks children on request, and reports their ends."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._children: dict[int, int] = {}  # pidfd -> pid
        self._poll: Final = select.poll()
        self._poll.register(channel, select.POLLIN)

    def work(self, modules: list[str]) -> Start | None:
        """Imports modules and serves until the supervisor closes the socket or a module cannot be imported: None.

        A process can be asked for as soon as its module is there, while others are still imported. In a forked child it returns
        what the child is to become.
        """
        missing = list(modules)
        while True:
            if missing and not self._import(missing.pop(0)):
                return None
            for descriptor, _events in self._poll.poll(0 if missing else None):
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

    def _import(self, module: str) -> bool:
        reason = import_module(module)
        self._say(Refused("", reason) if reason else Imported(module))
        return not reason

    def _say(self, message: Message) -> None:
        """Sends a message to the supervisor; a supervisor that is gone shows at the next read."""
        try:
            self._channel.send(encode(message))
        except (BrokenPipeError, ConnectionResetError):
            return

    def _fork(self, start: Start) -> bool:
        """True in the child."""
        parent_pid = os.getpid()
        gc.freeze()  # The children's collectors leave what is here, and so the shared pages, alone.
        # With all of it frozen this collects nothing: it empties the interpreter's lists of free objects, which lie scattered
        # over the shared pages. Made from these, the children's first objects would have each page copied for one.
        gc.collect()
        try:
            pid = os.fork()
        except OSError as error:
            self._say(Refused(start.instance, f"cannot fork: {error.strerror}"))
            return False
        if pid == 0:
            self._leave(parent_pid)
            return True
        descriptor = os.pidfd_open(pid)
        self._children[descriptor] = pid
        self._poll.register(descriptor, select.POLLIN)
        self._say(Started(start.instance, pid))
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
        self._say(Exited(pid, os.waitstatus_to_exitcode(status)))

    def _signal(self, message: Signal) -> None:
        if message.pid in self._children.values():  # Not reaped, so the id is still this child's.
            os.kill(message.pid, message.number)


def import_module(name: str) -> str:
    """Imports a module; says why it cannot be, or empty."""
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - a module may raise anything while it is imported; the reason is reported
        traceback.print_exc()
        return f"module {name} cannot be imported: {type(error).__name__}: {error}"
    threads = len(list(Path("/proc/self/task").iterdir())) - 1
    return f"importing {name} started {threads} threads, which a forked process would lose; use --spawn" if threads else ""


def _name_process(name: str) -> None:
    """`ps -e` and `top` show the name."""
    Path("/proc/self/comm").write_text(name[:_MAX_COMM_CHARS])


def become(start: Start) -> NoReturn:
    """Turns a forked child into the process that was asked for."""
    log = os.open(start.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.update(start.environment)
    sys.argv = [start.module]
    _name_process(start.instance)
    gc.enable()
    importlib.import_module(start.module).main()
    sys.exit(0)


def serve(channel: socket.socket, supervisor: int, modules: list[str]) -> None:
    """Is the warmed parent until the supervisor's end of `channel` closes; a forked child ends in here as what it became.

    Args:
        channel: This end of the socket to the supervisor.
        supervisor: Its process id.
        modules: What to import, in this order.
    """
    die_with(supervisor)
    _name_process("testbed-warm")
    gc.disable()  # A collection would only touch pages that are to be shared.
    start = Warm(channel).work(modules)
    if start is not None:
        become(start)


def main() -> None:
    """`python -m testbed.warm DESCRIPTOR SUPERVISOR MODULE...`: serves the socket at DESCRIPTOR."""
    descriptor, supervisor, *modules = sys.argv[1:]
    serve(socket.socket(fileno=int(descriptor)), int(supervisor), modules)


if __name__ == "__main__":
    main()
