from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

from observability.store.otlp import MAX_BODY_BYTES
from tests.observability.store.process import TIMEOUT_S, Process, call, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.observability.store.conftest import Spans

pytestmark = pytest.mark.system


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path, FIREBREAK_SERVICE="telemetry", FIREBREAK_REPLICA="1")
    yield process
    process.end(signal.SIGKILL)


def test_what_the_opentelemetry_sdk_exports_comes_back_whole(process: Process) -> None:
    endpoint = f"http://127.0.0.1:{process.otlp_port}/v1"
    resource = Resource({"service.name": "orders", "service.instance.id": "orders/1"})
    traces, logs = TracerProvider(resource=resource), LoggerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/traces", compression=Compression.Gzip)))
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{endpoint}/logs")))
    tracer = traces.get_tracer("test")
    with tracer.start_as_current_span(
        "POST /orders", attributes={"http.response.status_code": 201, "cart": ["a", "b"]}
    ) as parent:
        with tracer.start_as_current_span("POST") as child:
            child.add_event("resilience.retry", {"firebreak.reason": "timeout"})
            child.set_status(Status(StatusCode.ERROR, "gave up"))
        logs.get_logger("test").emit(body="accepted", severity_number=None)
    traces.shutdown()
    logs.shutdown()
    trace_id, parent_id = f"{parent.get_span_context().trace_id:032x}", f"{parent.get_span_context().span_id:016x}"
    (trace,) = process.data(f"/api/traces/{trace_id}")
    shown = json.dumps(trace)
    assert f'"refType": "CHILD_OF", "traceID": "{trace_id}", "spanID": "{parent_id}"' in shown
    for expected in (
        '"value": 201',
        '[\\"a\\", \\"b\\"]',
        '"resilience.retry"',
        '"gave up"',
        '"serviceName": "orders"',
        '"orders/1"',
    ):
        assert expected in shown
    (line,) = process.data(f"/api/logs?trace_id={trace_id}")
    assert (line["body"], line["span_id"], line["instance"]) == ("accepted", parent_id, "orders/1")


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, span: Spans) -> None:
    first, sent = Process(tmp_path), 50
    for number in range(1, sent + 1):
        export = ExportTraceServiceRequest()
        export.resource_spans.add().scope_spans.add().spans.append(span(trace_id=number.to_bytes(16, "big")))
        assert call(first.otlp_port, "POST", "/v1/traces", export.SerializeToString())[0] == 200
    assert first.end(signal.SIGKILL)[0] == -signal.SIGKILL
    second = Process(tmp_path)
    assert len(second.data(f"/api/traces?limit={sent + 1}")) == sent
    assert second.end(signal.SIGTERM)[0] == 0


def test_it_says_ready_with_its_name_and_both_ports_and_ends_with_0_on_sigterm(process: Process) -> None:
    assert process.told["READY"] == "1"
    assert process.told["X_FIREBREAK_INSTANCE"] == "telemetry/1"
    assert call(process.port, "GET", "/health/ready")[0] == 200
    code, stderr = process.end(signal.SIGTERM)
    assert code == 0
    assert all(json.loads(line)["instance"] == "telemetry/1" for line in stderr.splitlines())


def test_each_side_answers_on_its_own_port_only(process: Process) -> None:
    assert call(process.otlp_port, "GET", "/api/services")[0] == 404
    assert call(process.port, "POST", "/v1/traces", b"")[0] == 404


def test_a_sender_of_far_too_much_still_reads_its_413(process: Process) -> None:
    status, body = call(process.otlp_port, "POST", "/v1/traces", bytes(4 * MAX_BODY_BYTES))
    assert (status, b"more than" in body) == (413, True)


def test_a_taken_port_is_named_with_the_way_out_and_exit_code_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = start(tmp_path, FIREBREAK_OTLP_PORT=str(port))
        _, stderr = failed.communicate(timeout=TIMEOUT_S)
    assert failed.returncode == 2
    assert f"FIREBREAK_OTLP_PORT {port}: cannot listen on 127.0.0.1" in stderr
    assert "0 for any free port" in stderr


@pytest.mark.server
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not on PATH")
def test_a_browser_shows_a_trace_and_takes_names_for_text(process: Process, tmp_path: Path, span: Spans) -> None:
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.append(span("<img src=x onerror=document.title='broken'>"))
    call(process.otlp_port, "POST", "/v1/traces", export.SerializeToString())
    address = f"http://127.0.0.1:{process.port}/trace/0af7651916cd43dd8448eb211c80319c"
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=5000",
        f"--user-data-dir={tmp_path}/chromium",
    ]
    page = subprocess.run([*command, "--dump-dom", address], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "unknown_service: &lt;img src=x onerror=document.title='broken'&gt;" in page
    assert "<title>broken</title>" not in page
    assert 'class="bar"' in page
