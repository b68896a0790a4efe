"""Tells clients of a route that it will go: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to what comes instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from observability.asgi import App, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Deprecation:
    """What there is to say about a route. Instants are in UTC."""

    since: datetime
    guide: str
    """URL of what to use instead."""
    sunset: datetime | None = None
    """When it stops answering, if that is decided."""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As they stand in an answer."""
        stated = [
            ("deprecation", f"@{self.since.timestamp():.0f}"),
            ("link", f'<{self.guide}>; rel="deprecation"; type="text/html"'),
        ]
        if self.sunset:
            stated.append(("sunset", format_datetime(self.sunset, usegmt=True)))
        return [(name.encode(), value.encode()) for name, value in stated]


DEPRECATED: Mapping[tuple[str, str], Deprecation] = {}
"""By method and route, such as ("GET", "/v1/orders/{order_id}/tracking"). No route of /v1 is deprecated."""


class DeprecationMiddleware:
    """Pure ASGI: every answer of a deprecated route says so, a failure as well."""

    def __init__(self, app: App, deprecated: Mapping[tuple[str, str], Deprecation]) -> None:
        self._app = app
        self._headers = {route: deprecation.headers() for route, deprecation in deprecated.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; which route it takes is known when its answer begins."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "")
                message["headers"] = [*message["headers"], *self._headers.get((scope["method"], route), ())]
            await send(message)

        await self._app(scope, receive, told if scope["type"] == "http" and self._headers else send)
