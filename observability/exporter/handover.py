"""A service's side of the exporter process: ended spans wait as packets of bytes, and a thread hands these over.

Spans are packed many at once: one by one, between requests, each takes twice the time, since what packing needs has left the
processor's caches by then. Thousands of spans that wait are nothing to the garbage collector as bytes, while as objects they are
a hundred thousand. A full packet is packed where its last span ends: the thread would take the interpreter from some request for
just as long, and wait for it besides. What has ended in PAUSE_S without filling one, the thread packs. A span counts as waiting
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
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from observability.exporter.wire import MAX_PACKET_BYTES, pack_hello, pack_spans, read_outcome

MAX_WAITING_SPANS: Final = 4_096
PACKET_SPANS: Final = 64
"""Of a packet at most: some 15 KB of usual ones, which take 300 microseconds to pack."""
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
        self._lock = threading.RLock()  # What is collected as garbage while it is held may end a span.
        self._ended: list[ReadableSpan] = []  # Not packed yet. By whoever holds the lock, as `_waiting`.
        self._packets: deque[tuple[int, bytes]] = deque()  # Not handed over yet, and how many spans are in each.
        self._waiting = 0  # In these two and with the exporter.
        self._sent = 0  # With the exporter. The thread's own, as all below.
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
        return self._waiting

    def on_end(self, span: ReadableSpan) -> None:
        """Takes a span, or drops it when too many wait."""
        context = span.context
        if not (context and context.trace_flags.sampled):
            return
        with self._lock:
            if self._is_ending or self._waiting >= MAX_WAITING_SPANS:
                self._dropped(1)
                return
            self._waiting += 1
            self._ended.append(span)
            is_full = len(self._ended) >= PACKET_SPANS
        if is_full:
            self._pack()

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
            self._pack()
            while self._packets:
                count, packet = self._packets[0]
                is_handed_over = _fits(connection, packet)
                self._packets.popleft()
                if is_handed_over:
                    self._sent += count
                else:
                    self._drop(count)
        except TimeoutError:
            return  # It is busy; what it was not handed waits.
        except OSError as error:
            _log.warning("the exporter at %s is gone: %s", self._path, error)
            self._lose()

    def _pack(self) -> None:
        """Makes packets of all spans that have ended."""
        with self._lock:
            spans, self._ended = self._ended, []
        if spans:
            self._pack_all(spans)

    def _pack_all(self, spans: Sequence[ReadableSpan]) -> None:
        """Makes as few packets of them as may be; a span that fits into none, or cannot be packed, is dropped alone."""
        packet, parts = b"", 2
        try:
            packet = pack_spans(spans)
            parts = len(packet) // MAX_PACKET_BYTES + 1
        except Exception:  # noqa: BLE001 - whatever a span holds, the request that it tells of is none the worse for it.
            if len(spans) == 1:
                _log.exception("the span %s cannot be handed to the exporter", spans[0].name)
        if 0 < len(packet) <= MAX_PACKET_BYTES:
            self._packets.append((len(spans), packet))
        elif len(spans) > 1:
            size = max(1, len(spans) // parts)
            for begin in range(0, len(spans), size):
                self._pack_all(spans[begin : begin + size])
        else:
            self._drop(1)

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

    def _end(self, count: int) -> None:
        """So many wait no more."""
        with self._lock:
            self._waiting -= count

    def _drop(self, count: int) -> None:
        self._end(count)
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
            self._end(outcome.sent)
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
        with self._lock:
            self._ended = []
            self._packets.clear()
        self._drop(self._waiting)


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
