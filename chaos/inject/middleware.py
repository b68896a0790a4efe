"""The server side: leases of this service are applied to the requests that reach it."""

from chaos.faults.errors import InjectedAbort, InjectedError
from chaos.inject.asgi import App, Receive, Scope, Send, answer_problem
from chaos.inject.caller import Caller
from chaos.inject.control import ControlEndpoint
from chaos.inject.cut import Cut, cut_connection, end_by_cutting
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import PATH, LeaseRequest
from chaos.inject.paths import OBSERVED, is_below

FAULT_HEADER = b"x-chaos-fault"
"""On injected answers. A failing service would not tell; a person reading a trace should be told."""


class ChaosMiddleware:
    """Pure ASGI: put it around any application, inside its telemetry, which then sees faults as its callers do.

    `/health`, `/metrics` and the control endpoint are never hit: a target that cannot be observed or healed proves nothing.

    Args:
        app: What is wrapped.
        table: The process's leases.
        token: Of the control endpoint; None or empty: there is no control endpoint.
        cut: Cuts the connection of a scope, or says that it could not. Then InjectedAbort reaches the server.
    """

    def __init__(self, app: App, table: LeaseTable, token: str | None, cut: Cut = cut_connection) -> None:
        self._app = app
        self._table = table
        self._control = ControlEndpoint(PATH, LeaseRequest, table, token)
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, applies a fault to it, or answers it as the control endpoint."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._table.sweep()  # Here, so that a scrape of /metrics never shows a lease that has ended.
        path: str = scope["path"]
        if self._control.serves(path):
            await self._control(scope, receive, send)
        elif self._table.idle or is_below(path, OBSERVED):
            await self._app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = Caller(receive)
        try:
            if await self._let_through(scope, caller, send):
                await self._app(scope, caller.receive, send)
        finally:
            caller.close()

    async def _let_through(self, scope: Scope, caller: Caller, send: Send) -> bool:
        """Applies what leases draw. False when the request has ended here."""
        try:
            for injection in self._table.draw(None):
                if not injection.fault.outlasts_caller:
                    await injection.apply()
                elif not await caller.waits_for(injection.apply()):
                    return False
        except InjectedError as error:
            await answer_problem(send, error.status, "injected by a chaos lease", ((FAULT_HEADER, b"error"),))
            return False
        except InjectedAbort:
            await end_by_cutting(self._cut, scope, caller.receive)
            return False
        return True
