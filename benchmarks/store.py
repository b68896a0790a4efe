"""What the telemetry store takes and what it costs: `python -m benchmarks.store [--spans N] [--batch N]`.

Starts the store as its own process on a fresh file, posts spans shaped like FeastFast's orders over loopback HTTP, as
protobuf and with two connections, and then asks for traces. Everything it sends is made before the clock starts. It prints spans
a second through HTTP (committed when counted), CPU time a span, bytes a span on disk, memory, and query times over HTTP.
"""

import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_SERVICES: Final = ("gateway", "users", "restaurants", "orders", "payments", "deliveries", "notifications")
_SPANS_A_TRACE: Final = 18  # An order: a server, a client and a database span in most of the services it passes.
_CONNECTIONS: Final = 2
_QUERIES: Final = 200
_START_TIMEOUT_S: Final = 10
_PORT_FIELDS: Final = ("X_FIREBREAK_PORT", "X_FIREBREAK_OTLP_PORT")


@dataclass(frozen=True)
class RunningStore:
    """The store's process and where it listens."""

    process: subprocess.Popen[bytes]
    query_port: int
    otlp_port: int


def main() -> None:
    """Runs the benchmark and prints its figures."""
    arguments = _arguments()
    trace_ids, bodies = _bodies(arguments.spans, arguments.batch, random.Random(arguments.seed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "telemetry.sqlite")
        store = _start(path)
        try:
            seconds = _post(store.otlp_port, bodies)
            cpu_s, pss_mib = _cpu_s(store.process.pid), _pss_mib(store.process.pid)
            sent = len(bodies) * arguments.batch
            print(f"{sent:,} spans in batches of {arguments.batch}, {sum(map(len, bodies)) / sent:.0f} bytes each as OTLP")
            print(f"taken and committed   {sent / seconds:10,.0f} spans/s through HTTP")
            print(f"CPU time              {cpu_s / sent * 1e6:10.1f} microseconds a span")
            print(f"on disk               {_file_bytes(path) / sent:10.0f} bytes a span")
            print(f"memory                {pss_mib:10.1f} MiB (proportional set size) after the load")
            _ask(store.query_port, trace_ids, random.Random(arguments.seed))
            print(f"memory                {_pss_mib(store.process.pid):10.1f} MiB after the queries")
        finally:
            store.process.terminate()
            store.process.wait(_START_TIMEOUT_S)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--spans", type=int, default=200_000, help="how many spans to send (default %(default)s, at most 2000000)"
    )
    parser.add_argument("--batch", type=int, default=64, help="spans a request, as an exporter batches (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of ids, times and values (default %(default)s)")
    arguments = parser.parse_args()
    if not (1 <= arguments.batch <= arguments.spans <= 2_000_000):
        parser.error("--batch must be at least 1 and at most --spans, which must be at most 2000000")
    return arguments


def _bodies(spans: int, batch: int, rng: random.Random) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Trace ids, and request bodies in the order in which seven services would send them."""
    trace_ids = [rng.randbytes(16) for _ in range(spans // _SPANS_A_TRACE + 1)]
    bodies = []
    for number in range(spans // batch):
        # A batch of one service holds a few spans of each of the traces that were running just now.
        newest = number * batch // _SPANS_A_TRACE
        running = trace_ids[max(0, newest - batch // 3) : newest + 1]
        service = _SERVICES[number % len(_SERVICES)]
        bodies.append(_request(service, [running[index // 3 % len(running)] for index in range(batch)], number, rng))
    return trace_ids, bodies


def _request(service: str, trace_ids: Sequence[bytes], number: int, rng: random.Random) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    for key, value in {
        "service.name": service,
        "service.instance.id": f"{service}/1",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "1.45.1",
    }.items():
        resource.resource.attributes.add(key=key).value.string_value = value
    scope = resource.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.fastapi"
    started_ns = 1_767_225_600_000_000_000 + number * 50_000_000
    for index, trace_id in enumerate(trace_ids):
        span = scope.spans.add(trace_id=trace_id, span_id=rng.randbytes(8), parent_span_id=rng.randbytes(8), flags=0x101)
        span.start_time_unix_nano = started_ns + rng.randrange(50_000_000)
        span.end_time_unix_nano = span.start_time_unix_nano + int(rng.expovariate(1 / 8e6))
        _SHAPES[index % len(_SHAPES)](span, service, rng)
    return bytes(request.SerializeToString())


def _server(span: Span, service: str, rng: random.Random) -> None:
    route = f"/v1/{service}/{{id}}"
    span.name, span.kind = f"GET {route}", Span.SPAN_KIND_SERVER
    if rng.random() < 0.01:
        span.status.code = Status.STATUS_CODE_ERROR
    texts = {"http.request.method": "GET", "url.scheme": "http", "server.address": "127.0.0.1", "http.route": route}
    texts |= {
        "url.path": f"/v1/{service}/{rng.randrange(100_000)}",
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
    }
    _set(span, texts, {"http.response.status_code": 200, "server.port": 8_001, "client.port": rng.randrange(30_000, 60_000)})


def _client(span: Span, service: str, rng: random.Random) -> None:
    span.name, span.kind = "POST", Span.SPAN_KIND_CLIENT
    texts = {"http.request.method": "POST", "url.full": f"http://127.0.0.1:{rng.randrange(8_000, 8_010)}/v1/{service}"}
    texts |= {"server.address": "127.0.0.1", "firebreak.edge": f"{service}->payments"}
    _set(span, texts, {"server.port": 8_002, "http.request.resend_count": 0, "http.response.status_code": 201})


def _database(span: Span, service: str, rng: random.Random) -> None:
    span.name, span.kind = "SELECT", Span.SPAN_KIND_CLIENT
    query = f"SELECT {service}.id, {service}.status, {service}.created_at FROM {service} WHERE {service}.id = ?"
    _set(span, {"db.system.name": "sqlite", "db.namespace": service, "db.query.text": query}, {"db.rows": rng.randrange(20)})


_SHAPES: Final[Sequence[Callable[[Span, str, random.Random], None]]] = (_server, _client, _database)


def _set(span: Span, texts: dict[str, str], numbers: dict[str, int]) -> None:
    for key, text in texts.items():
        span.attributes.add(key=key).value.string_value = text
    for key, number in numbers.items():
        span.attributes.add(key=key).value.int_value = number


def _start(path: Path) -> RunningStore:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        address = str(path.parent / "notify")
        notify.bind(address)
        notify.settimeout(_START_TIMEOUT_S)
        settings = {
            "FIREBREAK_STORE_PATH": str(path),
            "FIREBREAK_PORT": "0",
            "FIREBREAK_OTLP_PORT": "0",
            "NOTIFY_SOCKET": address,
        }
        process = subprocess.Popen([sys.executable, "-m", "observability.store.main"], env={**os.environ, **settings})
        fields = dict(line.split("=", 1) for line in notify.recv(4_096).decode().splitlines())
    query, otlp = (int(fields[name]) for name in _PORT_FIELDS)
    return RunningStore(process, query, otlp)


def _post(port: int, bodies: Sequence[bytes]) -> float:
    """Posts all bodies over a few connections and returns the seconds until the last one was acknowledged."""
    failures: list[str] = []

    def send(mine: Sequence[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for body in mine:
            connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
            response = connection.getresponse()
            text = response.read()
            if response.status != http.HTTPStatus.OK:
                failures.append(f"{response.status} {text!r}")

    senders = [threading.Thread(target=send, args=(bodies[number::_CONNECTIONS],)) for number in range(_CONNECTIONS)]
    started_s = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - started_s
    if failures:
        sys.exit(f"{len(failures)} requests were refused, the first with {failures[0]}")
    return seconds


def _ask(port: int, trace_ids: Sequence[bytes], rng: random.Random) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def get(path: str) -> int:
        connection.request("GET", path)
        response = connection.getresponse()
        document = json.loads(response.read())
        if response.status != http.HTTPStatus.OK:
            sys.exit(f"GET {path} answered {response.status}: {document['errors']}")
        return len(document["data"])

    service = rng.choice(_SERVICES)
    operation = f"&operation=GET+/v1/{service}/%7Bid%7D"
    # The last ids may have no span yet, as batches do not end with traces.
    _time("trace by id", lambda: get(f"/api/traces/{rng.choice(trace_ids[: len(trace_ids) // 2]).hex()}"))
    _time("20 latest of service", lambda: get(f"/api/traces?service={service}&limit=20"))
    _time("slow of an operation", lambda: get(f"/api/traces?service={service}{operation}&minDuration=60ms&limit=20"))
    _time("failed of a service", lambda: get(f'/api/traces?service={service}&tags={{"error":"true"}}&limit=20'))
    _time("by a rare tag", lambda: get(f"/api/traces?tag=url.path:/v1/{service}/{rng.randrange(100_000)}&limit=20"), 10)


def _time(name: str, ask: Callable[[], int], queries: int = _QUERIES) -> None:
    times_ms = []
    found = 0
    for _ in range(queries):
        started_s = time.perf_counter()
        found += ask()
        times_ms.append((time.perf_counter() - started_s) * 1_000)
    p99 = statistics.quantiles(times_ms, n=100)[98]
    print(f"{name:22}{statistics.median(times_ms):10.2f} ms at the median, {p99:.2f} at p99, {found / queries:.1f} traces")


def _file_bytes(path: Path) -> int:
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*") if not part.name.endswith("-shm"))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    main()
