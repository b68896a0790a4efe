"""A service's side of the exporter process: ended spans wait as bytes, and a thread hands them over in packets.

A span is packed where it ends. That takes a few microseconds of a request's time, while a thread that packs dozens takes the
interpreter from some request for all of them; and thousands of spans that wait are nothing to the garbage collector, while as
objects they are a hundred thousand. The thread does next to nothing with the interpreter in its hands. A span counts as waiting
until the exporter has said what became of it, so that memory is bounded here and there, and what does not reach the collector is
counted where it was made.
"""

import errno
import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from observability.exporter.wire import MAX_SPAN_BYTES, pack_hello, pack_span, pack_spans, read_outcome

MAX_WAITING_SPANS: Final = 4_096
PACKET_SPANS: Final = 64
"""Of a packet at most: some 40 KB of usual ones."""
PAUSE_S: Final = 0.05
RECONNECT_S: Final = 0.25
SUCCESSOR_S: Final = 1.0
"""What waits at the end is kept so long for the successor of an exporter that has left: to start one takes half a second."""
SEND_TIMEOUT_S: Final = 0.5
"""For an exporter that takes no more: then spans wait here."""
_ANSWER_BYTES: Final = 256

_log = logging.getLogger(__name__)


class Handover(SpanProcessor):
    """Hands ended spans to the exporter process.

    Args:
        path: Where the exporter listens. Until it does, and whenever it does not, spans wait.
        resource: Whose spans they are.
        dropped: Told how many did not get to the collector.
    """

    def __init__(self, path: str, resource: Resource, dropped: Callable[[int], None]) -> None:
        self._path = path
        self._hello = pack_hello(resource)
        self._dropped = dropped
        self._queue: deque[bytes] = deque()
        self._next: list[bytes] = []  # Taken from the queue, and not handed over yet.
        self._held = 0  # Of these and of what was handed over, all of which nothing was heard ...
        self._sent = 0  # ... and those that the exporter has.
        self._connection: socket.socket | None = None
        self._connect_at_s = 0.0
        self._successor_by_s = 0.0
        self._is_ending = False
        self._wake = threading.Event()
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="telemetry-handover", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Spans of which it is not known yet what became of them."""
        return len(self._queue) + self._held

    def on_end(self, span: ReadableSpan) -> None:
        """Queues a span, or drops it when too many wait."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        if self._is_ending or len(self._queue) + self._held >= MAX_WAITING_SPANS:
            self._dropped(1)
            return
        try:
            packed = pack_span(span)
        except Exception:  # noqa: BLE001 - whatever a span holds, the request that it tells of is none the worse for it.
            _log.exception("the span %s cannot be handed to the exporter", span.name)
            self._dropped(1)
            return
        if len(packed) > MAX_SPAN_BYTES:
            self._dropped(1)  # Nobody makes one so large.
            return
        self._queue.append(packed)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Waits until the exporter has said what became of every span. False when it has not in time."""
        self._wake.set()
        with self._idle:
            return self._idle.wait_for(lambda: not self.waiting, timeout_millis / 1_000)

    def shutdown(self) -> None:
        """Hands over what waits and hears what became of it.

        Lasts for as long as there is an exporter that does not say so, and SUCCESSOR_S for a successor to one that has left.
        """
        self._is_ending = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait(PAUSE_S)
            self._wake.clear()
            self._pass()
            with self._idle:
                self._idle.notify_all()
            if self._is_ending and (not self.waiting or self._is_left_alone()):
                break
        self._lose()
        self._give_up()

    def _is_left_alone(self) -> bool:
        return self._connection is None and time.monotonic() >= self._successor_by_s

    def _pass(self) -> None:
        try:
            connection = self._connected()
            if connection is None:
                return
            self._hear(connection)
            while self._next or self._queue:
                self._take()
                is_handed_over = _fits(connection, pack_spans(self._next))
                count, self._next = len(self._next), []
                if is_handed_over:
                    self._sent += count
                else:
                    self._drop(count)
        except TimeoutError:
            return  # It is busy; what it was not handed waits.
        except OSError as error:
            _log.warning("the exporter at %s is gone: %s", self._path, error)
            self._lose()

    def _take(self) -> None:
        """The next packet's spans, as many as fit into one."""
        size_bytes = sum(map(len, self._next))
        while self._queue and len(self._next) < PACKET_SPANS and size_bytes + len(self._queue[0]) <= MAX_SPAN_BYTES:
            self._held += 1  # First, so that none goes uncounted in between.
            self._next.append(self._queue.popleft())
            size_bytes += len(self._next[-1])

    def _connected(self) -> socket.socket | None:
        if self._connection is None and time.monotonic() >= self._connect_at_s:
            self._connect_at_s = time.monotonic() + RECONNECT_S
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            connection.settimeout(SEND_TIMEOUT_S)
            try:
                connection.connect(self._path)
                connection.send(self._hello)
            except OSError:  # Not there yet, or for the moment.
                connection.close()
            else:
                self._connection = connection
        return self._connection

    def _drop(self, count: int) -> None:
        self._held -= count
        if count:
            self._dropped(count)

    def _hear(self, connection: socket.socket) -> None:
        """Takes the answers that are there. Raises OSError, also when the exporter has left."""
        while select.select([connection], (), (), 0)[0]:
            packet = connection.recv(_ANSWER_BYTES)
            if not packet:
                raise ConnectionResetError("it has left")
            outcome = read_outcome(packet)
            self._sent -= outcome.sent + outcome.dropped
            self._held -= outcome.sent
            self._drop(outcome.dropped)

    def _lose(self) -> None:
        """What the exporter had and did not speak of is lost, for all that is known."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._successor_by_s = time.monotonic() + SUCCESSOR_S
        lost, self._sent = self._sent, 0
        self._drop(lost)

    def _give_up(self) -> None:
        """What still waits is lost too."""
        self._next = []
        self._held += len(self._queue)
        self._queue.clear()
        self._drop(self._held)


def _fits(connection: socket.socket, packet: bytes) -> bool:
    """Sends `packet`; False when it is more than a socket of this machine takes at once, ever. Raises OSError."""
    try:
        connection.send(packet)
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise
        _log.warning("a packet of %d bytes is more than a socket takes here: its spans are dropped", len(packet))
        return False
    return True
