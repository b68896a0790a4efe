"""Processes forked from the warmed parent (testbed.warm); this is the supervisor's end of the socket."""

import asyncio
import contextlib
import signal
from collections.abc import Collection
from typing import Any

from testbed.messages import MAX_PACKET_BYTES, Exited, Imported, Message, Refused, Signal, Start, Started, decode, encode
from testbed.parent import Parent, spawn_parent
from testbed.process import Child, Command, StartError


class ForkedProcesses:
    """Forks processes once all modules are imported; a parent that somebody killed is replaced when it is needed.

    What a parent imports after a fork touches pages that both had until then: forked each as soon as its own module was there,
    the processes of a system took 30 MiB more.

    Args:
        modules: What a parent imports, in this order. A process of another one imports that by itself, once it is forked.
        parent: The first parent, which imports them already.
        hasty: Those of them whose processes are forked as soon as they are imported: others wait for these, and they soon end.
    """

    def __init__(self, modules: tuple[str, ...], parent: Parent, hasty: Collection[str] = ()) -> None:
        self._modules = modules
        self._hasty = hasty
        self._parent: Parent | None = None
        self._refusal: StartError | None = None
        self._imported: dict[str, asyncio.Future[None]] = {}
        self._starting: dict[str, asyncio.Future[Child]] = {}
        self._children: dict[int, Child] = {}
        self._adopt(parent)

    @property
    def pids(self) -> Collection[int]:
        """Process ids of those whose ends are for this object to collect."""
        return () if self._parent is None else (self._parent.pid,)

    async def start(self, command: Command) -> Child:
        """Starts a process. Raises StartError when the modules cannot be imported, OSError when the fork fails."""
        parent = self._parent or self._adopt(spawn_parent(self._modules))
        if command.module in self._imported:
            awaited = command.module if command.module in self._hasty else self._modules[-1]
            await asyncio.shield(self._imported[awaited])
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

    def _adopt(self, parent: Parent) -> Parent:
        loop = asyncio.get_running_loop()
        self._parent = parent
        self._refusal = None
        self._imported = {module: loop.create_future() for module in self._modules}
        loop.add_reader(parent.channel, self._receive, parent)
        return parent

    def _receive(self, parent: Parent) -> None:
        packet = b""
        for _attempt in range(2):
            # A parent that ended with a request unread resets the connection, once; what it had said before is behind that.
            with contextlib.suppress(ConnectionError):
                packet = parent.channel.recv(MAX_PACKET_BYTES)
                break
        if packet:
            self._take(decode(packet))
        else:
            self._lose(parent)

    def _take(self, message: Message) -> None:
        if isinstance(message, Imported):
            self._imported[message.module].set_result(None)
        elif isinstance(message, Started):
            child = self._children[message.pid] = Child(message.pid, asyncio.get_running_loop().create_future())
            self._answer(message.instance, child)
        elif isinstance(message, Exited):
            self._children.pop(message.pid).exit.set_result(message.status)
        elif isinstance(message, Refused) and message.instance:
            self._answer(message.instance, OSError(message.reason))
        elif isinstance(message, Refused):
            self._refusal = StartError(message.reason)
            self._fail_imports(self._refusal)

    def _answer(self, instance: str, outcome: Child | OSError | StartError) -> None:
        waiting = self._starting.pop(instance)
        if not isinstance(outcome, Child):
            _fail(waiting, outcome)
        elif not waiting.done():
            waiting.set_result(outcome)

    def _lose(self, parent: Parent) -> None:
        asyncio.get_running_loop().remove_reader(parent.channel)
        parent.end()
        self._parent = None
        self._fail_imports(OSError("the parent of all processes ended while it started; see supervisor.log"))
        for instance in tuple(self._starting):
            # It was asked to fork while it still imported, and why it ended is known.
            self._answer(instance, self._refusal or OSError("the parent of all processes ended"))
        for child in self._children.values():
            child.exit.set_result(-signal.SIGKILL)
        self._children.clear()

    def _fail_imports(self, error: Exception) -> None:
        for imported in self._imported.values():
            _fail(imported, error)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # Marked as seen: that nobody waits for it is fine.
