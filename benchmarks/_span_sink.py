"""A collector that takes what is sent to it and does nothing with it until it is asked how many spans there were.

    python -m benchmarks._span_sink PORT

Counting decodes, which costs more than taking. So it happens on `GET /spans` alone, between measurements, and what was counted
is let go of.
"""

import asyncio
import sys
from typing import cast

import httptools
import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_COUNT = b"/spans"
_TRACES = b"/v1/traces"


class Sink:
    """What was taken."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        self._spans = 0

    def take(self, body: bytes) -> None:
        """Keeps one export."""
        self._bodies.append(body)

    def count(self) -> int:
        """Spans taken so far."""
        for body in self._bodies:
            request = ExportTraceServiceRequest.FromString(body)
            self._spans += sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
        self._bodies.clear()
        return self._spans


class Connection(asyncio.Protocol):
    """Just enough HTTP: answers each request with 200."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._url = b""
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one without being asyncio's own class.
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Part of a request's path."""
        self._url += url

    def on_body(self, body: bytes) -> None:
        """Part of a request's body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        answer = b""
        if self._url == _COUNT:
            answer = str(self._sink.count()).encode()
        elif self._url == _TRACES:  # Logs come to the same collector.
            self._sink.take(b"".join(self._body))
        self._url, self._body = b"", []
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))


async def _serve(port: int) -> None:
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(sink), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
