"""Which route a request belongs to, also when it was answered before anybody looked for one."""

from collections.abc import Sequence
from typing import Final, Protocol

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match

from observability.asgi import Scope

_FOUND: Final = "firebreak.route"


class Routed(Protocol):
    """An application with routes."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """In the order in which they are tried."""
        ...


def route_of(scope: Scope, routed: Routed) -> str | None:
    """The path of the route that answered, or would have: refusals and injected faults are told by route too.

    None: no route has the request's path.
    """
    route: str | None = getattr(scope.get("route"), "path", None)
    if route is None and _FOUND in scope:  # Metrics and traces both ask.
        route = scope[_FOUND]
    elif route is None:
        route = scope[_FOUND] = _matching(routed.routes, scope)
    return route


def _matching(routes: Sequence[BaseRoute], scope: Scope) -> str | None:
    partial = None
    for route in iter_route_contexts(routes):
        match, _child = route.matches(scope)
        if match is Match.FULL:
            return route.path
        if match is Match.PARTIAL:
            partial = route.path  # Another method's; the last one counts, as with the instrumentation.
    return partial
