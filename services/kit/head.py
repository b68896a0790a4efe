"""What stands before a body: of a bounded size, and said once."""

from http import HTTPStatus

from observability.asgi import App, Receive, Scope, Send
from services.kit.answers import problem_response

MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 100
_ONCE = frozenset({b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"x-request-id"})
"""Headers that say one thing: of two, one reader takes the first and another the last."""


class HeadMiddleware:
    """Pure ASGI: answers 431 to a head that is too large, and 400 to one that contradicts itself."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on when its head is fine."""
        refusal = _refusal(scope) if scope["type"] == "http" else None
        await (problem_response(*refusal) if refusal else self._app)(scope, receive, send)


def _refusal(scope: Scope) -> tuple[int, str] | None:
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"there are more than {MAX_HEADERS} headers"
    size_bytes = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    met: set[bytes] = set()
    for name, value in headers:
        size_bytes += len(name) + len(value)
        if name in _ONCE:
            if name in met:
                return HTTPStatus.BAD_REQUEST, f"the header {name.decode()} stands twice"
            met.add(name)
    if size_bytes > MAX_HEAD_BYTES:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"path, query and headers have more than {MAX_HEAD_BYTES} bytes"
    return None
