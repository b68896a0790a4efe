"""Requests reach a collector over HTTP, as the library sends its own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

from observability.exporter.collector import OtlpCollector

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Listener(HTTPServer):
    """Answers with the statuses that it is told, and keeps what it was sent."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = list(statuses)
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"


class Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(self.server.statuses.pop(0))
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def listening(*statuses: int) -> Iterator[Listener]:
    with Listener(*statuses) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


def test_a_request_arrives_as_it_is_with_the_headers_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")
    with listening(200) as listener:
        collector = OtlpCollector(listener.url, timeout=5.0)
        assert collector.take(b"spans")
        collector.shutdown()
    assert listener.bodies == [b"spans"]
    assert (listener.headers[0]["content-type"], listener.headers[0]["x-key"]) == ("application/x-protobuf", "secret")


def test_a_collector_that_is_busy_is_asked_again() -> None:
    with listening(503, 200) as listener:
        collector = OtlpCollector(listener.url, timeout=5.0)
        assert collector.take(b"spans")
        collector.shutdown()
    assert listener.bodies == [b"spans", b"spans"]


def test_a_request_that_is_refused_did_not_arrive() -> None:
    with listening(400) as listener:
        collector = OtlpCollector(listener.url, timeout=5.0)
        assert not collector.take(b"spans")
        collector.shutdown()
