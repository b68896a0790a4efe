"""Takes spans from services, and sends them in batches; a single thread, since whoever hands spans over can wait."""

import logging
import selectors
import socket
import time
from dataclasses import dataclass
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from observability.exporter.wire import MAX_PACKET_BYTES, Outcome, PlainSpan, pack_outcome, read_hello, read_spans, spans_of

BATCH_SPANS: Final = 512
"""So many are sent without waiting for more."""
MAX_BATCH_SPANS: Final = 2_048
"""So many at most in one request: a slow collector takes few requests, and then each should bring much."""
MAX_WAIT_S: Final = 0.2
"""For a batch to fill."""
LAST_S: Final = 1.0
"""Of reading, once it is to end: services that go on would keep it for ever, and count as lost what nobody took."""
_TICK_S: Final = 0.1

_log = logging.getLogger(__name__)


@dataclass
class Service:
    """One connection."""

    connection: socket.socket
    resource: Resource | None = None
    """Known from its first packet on."""


@dataclass(frozen=True)
class Packet:
    """Spans that a service handed over."""

    service: Service
    spans: list[PlainSpan]


class Exporter:
    """Sends on what comes in over `listener`."""

    def __init__(self, listener: socket.socket, exporter: SpanExporter) -> None:
        self._listener = listener
        self._exporter = exporter
        self._selector = selectors.DefaultSelector()
        self._packets: list[Packet] = []
        self._waiting = 0
        self._since_s = 0.0
        self._is_ending = False

    def end(self) -> None:
        """Has `run` return once what was handed over so far is sent. For signal handlers."""
        self._is_ending = True

    def close(self) -> None:
        """Lets go of who is still connected. After `run`."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, Service):
                self._forget(key.data)
        self._selector.close()

    def run(self) -> None:
        """Works until `end`."""
        self._listener.settimeout(0)
        self._selector.register(self._listener, selectors.EVENT_READ)
        while not self._is_ending:
            self._take(_TICK_S)
            if self._waiting >= BATCH_SPANS or (self._packets and time.monotonic() - self._since_s >= MAX_WAIT_S):
                self._send()
        until_s = time.monotonic() + LAST_S
        while (time.monotonic() < until_s and self._take(0)) or self._packets:
            self._send()
        self._exporter.shutdown()

    def _take(self, timeout_s: float) -> int:
        """Reads one packet of each service that has some, as long as there is room. Returns how many spoke."""
        found = self._selector.select(timeout_s)
        for key, _events in found:
            if key.fileobj is self._listener:
                connection, _address = self._listener.accept()
                connection.settimeout(0)
                self._selector.register(connection, selectors.EVENT_READ, Service(connection))
            else:
                self._read(key.data)
        return len(found)

    def _read(self, service: Service) -> None:
        try:
            while self._waiting < MAX_BATCH_SPANS:
                packet = service.connection.recv(MAX_PACKET_BYTES)
                if not packet:
                    self._forget(service)
                    return
                self._understand(service, packet)
        except BlockingIOError:
            return
        except (OSError, ValueError, EOFError, TypeError) as error:
            _log.warning("a service is not understood, or cut: %s", error)
            self._forget(service)

    def _understand(self, service: Service, packet: bytes) -> None:
        if service.resource is None:
            service.resource = read_hello(packet)
            return
        if not self._packets:
            self._since_s = time.monotonic()
        spans = read_spans(packet)
        self._packets.append(Packet(service, spans))
        self._waiting += len(spans)

    def _send(self) -> None:
        packets, self._packets, self._waiting = self._packets, [], 0
        if not packets:
            return
        is_sent = False
        try:
            spans = spans_of([(packet.service.resource, packet.spans) for packet in packets if packet.service.resource])
            is_sent = self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception:  # noqa: BLE001 - whatever one batch does to the encoder, the next one must be sent.
            _log.exception("a batch of spans cannot be sent")
        for packet in packets:
            count = len(packet.spans)
            self._answer(packet.service, Outcome(count, 0) if is_sent else Outcome(0, count))

    def _answer(self, service: Service, outcome: Outcome) -> None:
        try:
            service.connection.send(pack_outcome(outcome))
        except OSError:  # It has left, or does not listen; then it counts them as lost.
            return

    def _forget(self, service: Service) -> None:
        self._selector.unregister(service.connection)
        service.connection.close()
