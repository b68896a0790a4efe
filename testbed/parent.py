"""Starts the warmed parent (testbed.warm), from which all processes of a system are forked."""

import gc
import os
import signal
import socket
import sys
from dataclasses import dataclass

from testbed.interpreter import interpreter_environment
from testbed.warm import serve


@dataclass(frozen=True)
class Parent:
    """The warmed parent and the supervisor's end of the socket to it; it ends when this end closes."""

    pid: int
    channel: socket.socket

    def end(self) -> None:
        """Kills it, and the kernel kills its children."""
        self.channel.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def fork_parent(modules: tuple[str, ...], forget: int | None) -> Parent:
    """Forks a parent off this process, which must have neither threads nor an event loop yet.

    What this process has imported is shared with every process of the system, in time and in memory. The parent, and what is
    forked from it, return from nothing: they end in here.

    Args:
        modules: What it imports at once, in this order.
        forget: A descriptor of this process that is not to stay open in the others.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    supervisor = os.getpid()
    gc.freeze()  # Neither side's collector is to touch, and so to copy, what both have.
    pid = os.fork()
    if pid == 0:
        ours.close()
        if forget is not None:
            os.close(forget)
        os.setsid()
        serve(theirs, supervisor, list(modules))
        sys.exit(0)
    theirs.close()
    return Parent(pid, ours)


def spawn_parent(modules: tuple[str, ...]) -> Parent:
    """Starts a parent from scratch: the one that was forked has died, and this process has an event loop by now."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        theirs.set_inheritable(True)
        command = [sys.executable, "-m", "testbed.warm", str(theirs.fileno()), str(os.getpid()), *modules]
        pid = os.posix_spawn(sys.executable, command, interpreter_environment(), setsid=True)
    return Parent(pid, ours)
