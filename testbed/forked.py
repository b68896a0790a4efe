"""Processes forked from the warmed parent (testbed.warm); this is the supervisor's end of the socket."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from testbed.messages import MAX_PACKET_BYTES, Exited, Message, Refused, Signal, Start, Started, Warmed, decode, encode
from testbed.process import Child, Command, StartError


@dataclass(frozen=True)
class _Parent:
    process: subprocess.Popen[bytes]
    channel: socket.socket
    warmed: asyncio.Future[None]


class ForkedProcesses:
    """Starts the warmed parent when it is first needed, and anew after somebody killed it."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules
        self._parent: _Parent | None = None
        self._starting: dict[str, asyncio.Future[Child]] = {}
        self._children: dict[int, Child] = {}

    def open(self) -> _Parent:
        """Starts the parent, which then imports its modules while the supervisor does other things."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "testbed.warm", str(theirs.fileno()), str(os.getpid()), *self._modules],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        loop = asyncio.get_running_loop()
        parent = self._parent = _Parent(process, ours, loop.create_future())
        loop.add_reader(ours, self._receive, parent)
        return parent

    async def start(self, command: Command) -> Child:
        """Starts a process. Raises StartError when the modules cannot be imported, OSError when the fork fails."""
        parent = self._parent or self.open()
        await asyncio.shield(parent.warmed)
        child: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._starting[command.instance] = child
        parent.channel.send(encode(Start(command.instance, command.module, command.environment, str(command.log))))
        return await child

    def signal(self, child: Child, number: int) -> None:
        """Has the parent send a signal, since only the parent knows whether the id is still this child's."""
        if self._parent is not None and not child.exit.done():
            with contextlib.suppress(ConnectionError):  # The parent is gone, and the child with it.
                self._parent.channel.send(encode(Signal(child.pid, number)))

    def close(self) -> None:
        """Kills the parent, and the kernel kills its children."""
        if self._parent is not None:
            self._lose(self._parent)

    def _receive(self, parent: _Parent) -> None:
        try:
            packet = parent.channel.recv(MAX_PACKET_BYTES)
        except ConnectionError:
            packet = b""
        if packet:
            self._take(parent, decode(packet))
        else:
            self._lose(parent)

    def _take(self, parent: _Parent, message: Message) -> None:
        if isinstance(message, Warmed):
            parent.warmed.set_result(None)
        elif isinstance(message, Started):
            child = self._children[message.pid] = Child(message.pid, asyncio.get_running_loop().create_future())
            self._answer(message.instance, child)
        elif isinstance(message, Exited):
            self._children.pop(message.pid).exit.set_result(message.status)
        elif isinstance(message, Refused) and message.instance:
            self._answer(message.instance, OSError(message.reason))
        elif isinstance(message, Refused):
            _fail(parent.warmed, StartError(message.reason))

    def _answer(self, instance: str, outcome: Child | OSError) -> None:
        waiting = self._starting.pop(instance)
        if isinstance(outcome, OSError):
            _fail(waiting, outcome)
        elif not waiting.done():
            waiting.set_result(outcome)

    def _lose(self, parent: _Parent) -> None:
        asyncio.get_running_loop().remove_reader(parent.channel)
        parent.channel.close()
        parent.process.kill()
        parent.process.wait()
        self._parent = None
        _fail(parent.warmed, OSError("the parent of all processes ended while it started; see supervisor.log"))
        for instance in tuple(self._starting):
            self._answer(instance, OSError("the parent of all processes ended"))
        for child in self._children.values():
            child.exit.set_result(-signal.SIGKILL)
        self._children.clear()


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # Marked as seen: that nobody waits for it is fine.
