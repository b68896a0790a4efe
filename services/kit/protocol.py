"""uvicorn's HTTP protocol with a bound on heads, and its own refusals as problems.

uvicorn over httptools keeps the headers of a request until they are complete, however many come; and it answers what is no HTTP
in plain text.
"""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.kit.answers import problem_response
from services.kit.head import MAX_HEAD_BYTES


class BoundedProtocol(HttpToolsProtocol):
    """Cuts a connection whose head does not end within MAX_HEAD_BYTES and what one read holds beyond them."""

    _head_bytes = 0
    _in_head = False

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
