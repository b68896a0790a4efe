"""An answer that a partition keeps from getting out."""

from collections.abc import Awaitable, Callable

from chaos.inject.asgi import Message, Send
from chaos.inject.injection import Injection
from chaos.inject.leases import LeaseTable
from chaos.inject.network import cross

MAX_HELD_BYTES = 65_536
"""Beyond it the application waits, as it does when the kernel's buffer for what is to be sent is full."""


class HeldAnswer:
    """Takes an application's answer and hands it on, unless a partition is met: then the application is done and we keep it.

    Args:
        table: The process's leases.
        send: Hands a part of the answer on.
        in_reach: Whether the request came by a way that no partition cuts; asked only while there are leases.
    """

    __slots__ = ("_held", "_held_bytes", "_in_reach", "_met", "_send", "_table")

    def __init__(self, table: LeaseTable, send: Send, in_reach: Callable[[], bool]) -> None:
        self._table = table
        self._send = send
        self._in_reach = in_reach
        self._held: list[Message] = []
        self._held_bytes = 0
        self._met: Injection | None = None

    @property
    def is_held(self) -> bool:
        """Whether a part of it, and so its end, waits to be delivered."""
        return bool(self._held)

    def send(self, message: Message) -> Awaitable[None]:
        """The application's `send`."""
        # No coroutine of its own: this stands in the way of every answer, and partitions are rare.
        return self._send(message) if self._table.idle and not self._held else self._send_or_hold(message)

    async def _send_or_hold(self, message: Message) -> None:
        if not self._held:
            self._met = None if self._in_reach() else self._table.severed(None)
            if self._met is None:
                await self._send(message)
                return
        self._held.append(message)
        self._held_bytes += len(message.get("body", b""))
        if self._held_bytes > MAX_HELD_BYTES:
            await self.deliver()

    async def deliver(self) -> None:
        """Hands on what is held, once it gets through. Raises InjectedAbort when the table holds too much already."""
        if self._met is not None:
            await self._met.apply()
        await self.gets_through()
        held, self._held, self._held_bytes, self._met = self._held, [], 0, None
        for message in held:
            await self._send(message)

    async def gets_through(self) -> None:
        """Returns when no partition is in the way."""
        if not self._in_reach():
            await cross(self._table)
