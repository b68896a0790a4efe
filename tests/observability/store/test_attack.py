"""The store as its own process under floods, kills, a full disk, a damaged file and readers that do not read."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import socket
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.observability.store.process import PROTOBUF, TIMEOUT_S, Process, call, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Begin = Callable[..., Process]
    Flooded = Callable[..., "Flood"]

pytestmark = pytest.mark.system
SPANS_A_TRACE = 20
PLACEHOLDER = bytes(range(16))  # For the id of a trace, so that a sender need not make each body anew.


def trace_body(trace_id: bytes, note: bytes = b"") -> bytes:
    """An upload of one trace."""
    export = ExportTraceServiceRequest()
    spans = export.resource_spans.add().scope_spans.add().spans
    now_ns = time.time_ns()
    for number in range(1, SPANS_A_TRACE + 1):
        span = spans.add(trace_id=trace_id, span_id=number.to_bytes(8, "big"), name="GET /", kind=Span.SPAN_KIND_SERVER)
        span.start_time_unix_nano = span.end_time_unix_nano = now_ns
        if note:
            span.attributes.add(key="note").value.bytes_value = note
    return bytes(export.SerializeToString())


class Flood:
    """Senders that post one trace after the other, and note which were acknowledged and how the others were answered."""

    def __init__(self, port: int, senders: int, note_bytes: int = 0) -> None:
        self.acknowledged: list[bytes] = []
        self.refused: list[int] = []
        self._ended = threading.Event()
        self._body = trace_body(PLACEHOLDER, os.urandom(note_bytes))
        self._threads = [threading.Thread(target=self._send, args=(port,)) for _ in range(senders)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        """Until so many traces are acknowledged."""
        wait_until(lambda: len(self.acknowledged) >= count)

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def _send(self, port: int) -> None:
        while not self._ended.is_set():
            trace_id = os.urandom(16)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
            try:
                connection.request("POST", "/v1/traces", self._body.replace(PLACEHOLDER, trace_id), PROTOBUF)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                continue  # The store has gone, or answered before the end of the body and hung up.
            finally:
                connection.close()
            if response.status == http.HTTPStatus.OK:
                self.acknowledged.append(trace_id)
            else:
                self.refused.append(response.status)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts stores on one file, one after the other, and ends those that a test has left."""
    started = []

    def begin(**environment: str) -> Process:
        started.append(Process(tmp_path, **environment))
        return started[-1]

    yield begin
    for process in started:
        process.end(signal.SIGKILL)


@pytest.fixture
def flooded() -> Iterator[Flooded]:
    """Begins floods, and ends them however the test does."""
    floods: list[Flood] = []

    def flooded(port: int, senders: int, note_bytes: int = 0) -> Flood:
        floods.append(Flood(port, senders, note_bytes))
        return floods[-1]

    yield flooded
    for flood in floods:
        flood.end()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not come about in time"
        time.sleep(0.01)


def spans_of(process: Process, trace_id: bytes) -> int:
    (trace,) = process.data(f"/api/traces/{trace_id.hex()}")
    spans = trace["spans"]
    assert isinstance(spans, list)
    return len(spans)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_however_it_ends_in_a_flood_everything_acknowledged_is_there_afterwards(
    begin: Begin, flooded: Flooded, number: signal.Signals
) -> None:
    first = begin()
    flood = flooded(first.otlp_port, senders=20)
    flood.wait_for(300)
    started_s = time.monotonic()
    code, _ = first.end(number)
    assert time.monotonic() - started_s < 3  # The supervisor waits no longer.
    assert code == (0 if number is signal.SIGTERM else -number)
    flood.end()
    second = begin()
    assert {spans_of(second, trace_id) for trace_id in flood.acknowledged} == {SPANS_A_TRACE}
    assert second.end(signal.SIGTERM)[0] == 0


def test_uploads_beyond_its_memory_are_told_to_come_again_and_those_before_them_are_taken(begin: Begin) -> None:
    process = begin()
    bodies = {trace_id: trace_body(trace_id, os.urandom(50_000)) for trace_id in (os.urandom(16) for _ in range(8))}
    under_way = {trace_id: begin_upload(process.otlp_port, body) for trace_id, body in bodies.items()}
    wait_until(lambda: waiting_bytes(process) >= sum(len(body) - 1 for body in bodies.values()))
    for _ in range(20):
        late = post(process.otlp_port, trace_body(os.urandom(16), os.urandom(50_000)))
        assert (late.status, late.headers["Retry-After"]) == (429, "1")
    for trace_id, connection in under_way.items():
        connection.sendall(bodies[trace_id][-1:])
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
        connection.close()
        assert spans_of(process, trace_id) == SPANS_A_TRACE
    assert post(process.otlp_port, trace_body(os.urandom(16))).status == 200
    assert waiting_bytes(process) == 0


def begin_upload(port: int, body: bytes) -> socket.socket:
    """Sends all of an upload but its last byte."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: store\r\nContent-Length: {len(body)}\r\nContent-Type: application/x-protobuf\r\n\r\n"
    )
    connection.sendall(head.encode() + body[:-1])
    return connection


def post(port: int, body: bytes) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    connection.request("POST", "/v1/traces", body, PROTOBUF)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def waiting_bytes(process: Process) -> float:
    """What the store says that it holds."""
    text = call(process.port, "GET", "/metrics")[1].decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("telemetry_store_waiting_bytes "))


def test_it_stays_within_its_size_and_answers_while_a_flood_makes_it_delete(
    begin: Begin, flooded: Flooded, tmp_path: Path
) -> None:
    process = begin(FIREBREAK_STORE_MAX_SIZE_MIB="16")
    flood = flooded(process.otlp_port, senders=3, note_bytes=20_000)
    statuses, sizes = set(), []
    while len(flood.acknowledged) * 20_000 < 22_000_000:
        for target in ("/api/traces?limit=1", "/api/services", "/api/traces?tag=none:such", "/api/dependencies", "/api/logs"):
            statuses.add(call(process.port, "GET", target)[0])
        sizes.append((tmp_path / "telemetry.sqlite").stat().st_size)
    flood.end()
    assert statuses == {200}
    assert max(sizes) <= 20 * 1024 * 1024
    assert flood.refused == []
    assert spans_of(process, flood.acknowledged[-1]) == SPANS_A_TRACE
    assert call(process.port, "GET", f"/api/traces/{flood.acknowledged[0].hex()}")[0] == 404
    assert process.end(signal.SIGTERM)[0] == 0


def test_a_full_disk_is_a_503_until_there_is_room_and_what_was_taken_stays(begin: Begin, tmp_path: Path) -> None:
    process = begin()
    kept, refused = os.urandom(16), os.urandom(16)
    assert call(process.otlp_port, "POST", "/v1/traces", trace_body(kept))[0] == 200
    wal_bytes = (tmp_path / "telemetry.sqlite-wal").stat().st_size
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (wal_bytes, resource.RLIM_INFINITY))
    status, body = call(process.otlp_port, "POST", "/v1/traces", trace_body(refused, os.urandom(2_000)))
    assert (status, b"cannot be written" in body) == (503, True)
    assert call(process.port, "GET", "/health/ready")[0] == 503
    assert spans_of(process, kept) == SPANS_A_TRACE
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
    assert call(process.otlp_port, "POST", "/v1/traces", trace_body(refused))[0] == 200
    assert call(process.port, "GET", "/health/ready")[0] == 200
    assert (spans_of(process, kept), spans_of(process, refused)) == (SPANS_A_TRACE, SPANS_A_TRACE)
    assert process.end(signal.SIGTERM)[0] == 0


def test_a_damaged_file_is_said_to_be_one_whether_it_is_met_at_the_start_or_later(begin: Begin, tmp_path: Path) -> None:
    first = begin()
    for _ in range(200):
        assert call(first.otlp_port, "POST", "/v1/traces", trace_body(os.urandom(16), os.urandom(2_000)))[0] == 200
    assert first.end(signal.SIGTERM)[0] == 0
    path = tmp_path / "telemetry.sqlite"
    with sqlite3.connect(path) as connection:
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[page_bytes:] = os.urandom(len(content) - page_bytes)
    path.write_bytes(content)
    second = start(tmp_path)
    _, stderr = second.communicate(timeout=TIMEOUT_S)
    assert second.returncode == 2
    assert f"FIREBREAK_STORE_PATH {path}: database disk image is malformed" in stderr


def test_a_second_store_on_the_same_file_ends_with_code_2_and_leaves_the_first_alone(begin: Begin, tmp_path: Path) -> None:
    process = begin()
    second = start(tmp_path)
    _, stderr = second.communicate(timeout=TIMEOUT_S)
    assert (second.returncode, "another store has it open" in stderr) == (2, True)
    assert call(process.otlp_port, "POST", "/v1/traces", trace_body(os.urandom(16)))[0] == 200
    assert process.end(signal.SIGTERM)[0] == 0


def test_readers_that_do_not_read_keep_nobody_else_from_an_answer(begin: Begin) -> None:
    process = begin()
    for _ in range(60):
        assert call(process.otlp_port, "POST", "/v1/traces", trace_body(os.urandom(16), os.urandom(4_000)))[0] == 200
    slow = []
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", process.port), timeout=TIMEOUT_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.sendall(b"GET /api/traces?limit=1000 HTTP/1.1\r\nHost: store\r\n\r\n")
        slow.append(connection)
    started_s = time.monotonic()
    assert call(process.otlp_port, "POST", "/v1/traces", trace_body(os.urandom(16)))[0] == 200
    assert len(process.data("/api/services")) == 1
    assert time.monotonic() - started_s < 5
    status = json.loads(call(process.port, "GET", "/health/ready")[1])
    assert status == {"status": "ok"}
    code, _ = process.end(signal.SIGTERM)
    assert code == 0
    for connection in slow:
        connection.close()
