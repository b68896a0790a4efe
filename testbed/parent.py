"""Starts the warmed parent (testbed.warm). Imports next to nothing, because it is the first thing that a supervisor does."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass

from testbed.interpreter import interpreter_environment


@dataclass(frozen=True)
class Parent:
    """The warmed parent and this end of the socket to it; it ends when this end closes."""

    process: subprocess.Popen[bytes]
    channel: socket.socket


def start_parent(modules: tuple[str, ...]) -> Parent:
    """Starts a parent that imports `modules` at once, in this order; its output goes where this process's goes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "testbed.warm", str(theirs.fileno()), str(os.getpid()), *modules],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=interpreter_environment(),
            start_new_session=True,
        )
    return Parent(process, ours)
