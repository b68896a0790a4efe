"""The server side of a partition: what reaches this process, and what leaves it as an answer, waits until the lease ends."""

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
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._table.idle:
            await self._serve(scope, receive, send)
        elif is_below(scope["path"], self._in_reach):
            await self._app(scope, receive, send)
        else:
            caller = Caller(receive)
            try:
                if await caller.waits_for(cross(self._table)):
                    await self._serve(scope, caller.receive, send)
            except InjectedAbort:
                await end_by_cutting(self._cut, scope, caller.receive)
            finally:
                caller.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = HeldAnswer(self._table, send, lambda: is_below(scope["path"], self._in_reach))
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            # Somebody further out will answer for what nobody foresaw, and that answer does not get out either.
            await answer.gets_through()
            raise
        if answer.is_held:
            await self._deliver(answer, scope, receive)

    async def _deliver(self, answer: HeldAnswer, scope: Scope, receive: Receive) -> None:
        caller = Caller(receive)
        try:
            await caller.waits_for(answer.deliver())
        except InjectedAbort:
            await end_by_cutting(self._cut, scope, caller.receive)
        finally:
            caller.close()
