"""uvicorn's HTTP protocol with a bound on heads, its own refusals as problems, and word for those whose caller is gone.

uvicorn over httptools keeps the headers of a request until they are complete, however many come; it answers what is no HTTP
in plain text; and who serves a request learns of its caller's end only by asking for more of the body.
Adapts uvicorn 0.54 (`_start_asgi_task`, `cycle`); test_protocol.py and test_abandoned.py pin what it relies on.
"""

import asyncio
from http import HTTPStatus

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.kit.answers import problem_response
from services.kit.head import MAX_HEAD_BYTES
from services.kit.line import SCOPE_KEY, Line


class BoundedProtocol(HttpToolsProtocol):
    """Cuts a connection whose head does not end within MAX_HEAD_BYTES and what one read holds beyond them."""

    _head_bytes = 0
    _in_head = False
    _served: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """A caller is there."""
        self._line = Line()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone: so are its answer and, where the request asked for that, the work on it."""
        super().connection_lost(exc)
        served = self._served
        if served is not None and not served.response_complete:
            # uvicorn tells the request that was read last; with more than one on the line that is not the one served.
            served.disconnected = True
            served.message_event.set()
        self._line.cut()

    def on_response_complete(self) -> None:
        """An answer is whole; the next request on the line may be served."""
        self._line.answered()
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Counts what belongs to an unfinished head. The read that begins one may hold the end of a body, and counts nothing."""
        was_in_head = self._in_head
        super().data_received(data)
        if not self._in_head:
            self._head_bytes = 0
        elif was_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the headers have more than {MAX_HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self.scope[SCOPE_KEY] = self._line  # type: ignore[literal-required]  # a server may add keys of its own
        self._in_head = True

    def on_headers_complete(self) -> None:
        """It is whole: what it holds is bounded by HeadMiddleware."""
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """For what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _refuse(self, status: int, detail: str) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's own annotation leaves out that there is none at first.
        if cycle is None or cycle.response_complete:  # Else this would stand in the middle of another answer.
            answer = problem_response(status, detail, {"connection": "close"})
            head = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
            self.transport.write(STATUS_LINE[status] + head + b"\r\n" + bytes(answer.body))
        self.transport.close()
