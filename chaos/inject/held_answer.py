"""An answer that a partition keeps from getting out."""

from collections.abc import Awaitable

from chaos.inject.asgi import Message, Send
from chaos.inject.injection import Injection
from chaos.inject.leases import LeaseTable
from chaos.inject.network import cross
from chaos.inject.paths import is_below

MAX_HELD_PARTS = 64
MAX_HELD_BYTES = 65_536
"""Beyond either the application waits, as it does when the kernel's buffer for what is to be sent is full."""


class HeldAnswer:
    """Takes an application's answer and hands it on, unless a partition is met: then the application is done and we keep it.

    Args:
        table: The process's leases.
        send: Hands a part of the answer on.
        path: Of the request.
        in_reach: Paths that no partition cuts.
    """

    # Of the class until they differ: this is made for every request, and partitions are rare.
    _bytes = 0
    _met: Injection | None = None
    held: tuple[Message, ...] = ()
    """The part of it, with its end, that waits to be delivered."""

    def __init__(self, table: LeaseTable, send: Send, path: str, in_reach: tuple[str, ...]) -> None:
        self._table = table
        self._send = send
        self._path = path
        self._in_reach = in_reach

    def send(self, message: Message) -> Awaitable[None]:
        """The application's `send`; no coroutine of its own, for the same reason."""
        return self._send(message) if self._table.whole and not self.held else self._send_or_hold(message)

    async def _send_or_hold(self, message: Message) -> None:
        if not self.held:
            self._met = None if is_below(self._path, self._in_reach) else self._table.severed(None)
            if self._met is None:
                await self._send(message)
                return
        self.held = (*self.held, message)
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_HELD_BYTES or len(self.held) > MAX_HELD_PARTS:
            await self.deliver()

    async def deliver(self) -> None:
        """Hands on what is held, once it gets through. Raises InjectedAbort when the table holds too much already."""
        await cross(self._table, met=self._met)
        held, self.held, self._bytes, self._met = self.held, (), 0, None
        for message in held:
            await self._send(message)

    async def gets_through(self) -> None:
        """Returns when no partition is in the way. Raises InjectedAbort as `deliver` does."""
        if not is_below(self._path, self._in_reach):
            await cross(self._table)
