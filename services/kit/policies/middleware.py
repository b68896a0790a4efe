"""Where requests meet the policies of this instant, and where changes of them are asked for."""

from chaos.inject.asgi import App, Receive, Scope, Send
from chaos.inject.control import ControlEndpoint
from services.kit.policies.live import LivePolicies
from services.kit.policies.messages import PATH, PolicyRequest


class PolicyMiddleware:
    """Pure ASGI, around all that a policy or a fault acts on: it must be possible to end what makes a process useless.

    Args:
        app: What is wrapped.
        policies: The process's own.
        token: Of the endpoint; None or empty: there is no endpoint.
    """

    def __init__(self, app: App, policies: LivePolicies, token: str | None) -> None:
        self._app = app
        self._policies = policies
        self._control = ControlEndpoint(PATH, PolicyRequest, policies, token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on under the policies of this instant, or answers it as the endpoint."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._policies.sweep()  # Though a timer does it too: a process that was stopped may be asked before its timers run.
        await (self._control if self._control.serves(scope["path"]) else self._app)(scope, receive, send)
