"""The server side: leases of this service are applied to the requests that reach it."""

import asyncio
from collections.abc import Callable

from chaos.faults.errors import InjectedAbort, InjectedError
from chaos.inject.asgi import App, Receive, Scope, Send, answer_problem
from chaos.inject.caller import Caller
from chaos.inject.control import ControlEndpoint
from chaos.inject.cut import cut_connection
from chaos.inject.injection import Injection
from chaos.inject.leases import LeaseTable
from chaos.inject.messages import PATH, LeaseRequest

FAULT_HEADER = b"x-chaos-fault"
"""On injected answers. A failing service would not tell; a person reading a trace should be told."""
_EXEMPT = ("/health", "/metrics")
_LONGEST_CUT_S = 1.0


class ChaosMiddleware:
    """Pure ASGI: put it around any application, inside its telemetry, which then sees faults as its callers do.

    `/health`, `/metrics` and the control endpoint are never hit: a target that cannot be observed or healed proves nothing.

    Args:
        app: What is wrapped.
        table: The process's leases.
        token: Of the control endpoint; None or empty: there is no control endpoint.
        cut: Cuts the connection of a scope, or says that it could not. Then InjectedAbort reaches the server.
    """

    def __init__(self, app: App, table: LeaseTable, token: str | None, cut: Callable[[Scope], bool] = cut_connection) -> None:
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
        elif any(_below(path, exempt) for exempt in _EXEMPT):
            await self._app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._table.idle:
            await self._app(scope, receive, send)
            return
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
                elif not await _apply_while_waited_for(injection, caller):
                    return False
        except InjectedError as error:
            await answer_problem(send, error.status, "injected by a chaos lease", ((FAULT_HEADER, b"error"),))
            return False
        except InjectedAbort:
            await self._abort(scope, caller.receive)
            return False
        return True

    async def _abort(self, scope: Scope, receive: Receive) -> None:
        if not self._cut(scope):
            raise InjectedAbort("injected: connection cut; the server was not reached by its socket and answers as it does")
        # Once the server has noticed, it does not answer for an application that did not.
        try:
            async with asyncio.timeout(_LONGEST_CUT_S):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


async def _apply_while_waited_for(injection: Injection, caller: Caller) -> bool:
    """Applies a fault that may take as long as its lease. False when the caller went away first."""
    fault, gone = asyncio.ensure_future(injection.apply()), asyncio.ensure_future(caller.gone())
    try:
        await asyncio.wait({fault, gone}, return_when=asyncio.FIRST_COMPLETED)
        if fault.done():
            fault.result()
            return True
        return False
    finally:
        fault.cancel()
        gone.cancel()
        await asyncio.gather(fault, gone, return_exceptions=True)
