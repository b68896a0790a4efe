"""The server side of a partition: what reaches this process, and what leaves it as an answer, waits until the lease ends."""

from collections.abc import Coroutine
from typing import Any

from chaos.faults.errors import InjectedAbort
from chaos.inject.asgi import App, Receive, Scope, Send
from chaos.inject.caller import Caller
from chaos.inject.cut import Cut, cut_connection, end_by_cutting
from chaos.inject.held_answer import HeldAnswer
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import PATH
from chaos.inject.network import cross
from chaos.inject.paths import OBSERVED, is_below


class PartitionMiddleware:
    """Pure ASGI: put it around everything that could answer for the application, limits included, and inside its telemetry.

    A request is held on its way in, and dropped when its caller gives up. One that is being served when the partition begins is
    served to its end, and it is its answer that waits.

    Args:
        app: What is wrapped.
        table: The process's leases.
        beside: What stays in reach beside `/health`, `/metrics` and the control endpoint, which are on the operator's network.
        cut: Cuts the connection of a scope when more would be held than the table allows.
    """

    def __init__(self, app: App, table: LeaseTable, beside: tuple[str, ...] = (), cut: Cut = cut_connection) -> None:
        self._app = app
        self._table = table
        self._in_reach = (*OBSERVED, PATH, *beside)
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on once it gets through, and its answer once that does."""
        if scope["type"] != "http" or (not self._table.whole and is_below(scope["path"], self._in_reach)):
            await self._app(scope, receive, send)
            return
        met = self._table.severed(None)
        caller = None if met is None else Caller(receive)
        try:
            if caller is not None:
                receive = caller.receive
                if not await self._gets_through(cross(self._table, met=met), caller, scope):
                    return
            answer = HeldAnswer(self._table, send, scope["path"], self._in_reach)
            try:
                await self._app(scope, receive, answer.send)
            except Exception:
                # Somebody further out will answer for what nobody foresaw, and that answer does not get out either.
                await answer.gets_through()
                raise
            if answer.held:
                caller = caller or Caller(receive)
                await self._gets_through(answer.deliver(), caller, scope)
        finally:
            if caller is not None:
                caller.close()

    async def _gets_through(self, way: Coroutine[Any, Any, None], caller: Caller, scope: Scope) -> bool:
        """Whether what is on its way arrived while its caller was there, and without being cut for want of room."""
        try:
            return await caller.waits_for(way)
        except InjectedAbort:
            await end_by_cutting(self._cut, scope, caller.receive)
            return False
