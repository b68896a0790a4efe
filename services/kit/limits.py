"""The server's side of a limit: what a process has no room for is answered at once, before anything of it is begun."""

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.routing import APIRoute
from opentelemetry import trace

from observability import names
from observability.asgi import App, Message, Receive, Scope, Send
from services.kit.answers import problem_response
from services.kit.errors import TooManyRequestsError
from services.kit.problems import Responses, problems
from services.kit.resilience import priority
from services.kit.resilience.limit import Limiter
from services.policy import Limit

_EXEMPT = ("/health", "/metrics", "/__", "/internal/audit", "/openapi.json")
"""What is asked by whoever observes, heals or checks the system, not by its traffic: a busy service must answer that as well."""


def limit_responses(router: APIRouter, limit: Limit | None) -> Responses | None:
    """FastAPI's `responses` of a router's routes under the limit that their service declares; None where it says nothing."""
    exempt = all(route.path.startswith(_EXEMPT) for route in router.routes if isinstance(route, APIRoute))
    return None if limit is None or exempt else problems(TooManyRequestsError.status)


class LimitMiddleware:
    """Pure ASGI: answers 429 with Retry-After where the limit leaves no room for a request of its urgency."""

    def __init__(self, app: App, limiter: Limiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on if there is room for it, and measures how long it takes."""
        if self._limiter.policy is None or scope["type"] != "http" or scope["path"].startswith(_EXEMPT):
            await self._app(scope, receive, send)
            return
        urgency = priority.current()
        try:
            admission = self._limiter.admit(urgency)
        except TooManyRequestsError as error:
            trace.get_current_span().add_event(names.EVENT_SHED, {names.ATTR_URGENCY: urgency, names.ATTR_REASON: error.detail})
            await problem_response(error.status, error.detail, error.headers)(scope, receive, send)
            return
        status = 0  # Stays so when the caller is gone.

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            if admission:
                self._limiter.end(admission, done=0 < status < HTTPStatus.BAD_REQUEST)
