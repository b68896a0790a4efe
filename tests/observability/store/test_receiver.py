from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # googleapis ships no types.
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from observability.store.budget import ByteBudget
from observability.store.otlp import MAX_BODY_BYTES
from observability.store.receiver import receiver_app
from observability.store.store_metrics import StoreMetrics

if TYPE_CHECKING:
    from tests.observability.store.conftest import Client, Spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
JSON = "application/json"
SPAN = {
    "traceId": TRACE.upper(),
    "spanId": "00f067aa0ba902b7",
    "parentSpanId": "",
    "name": "POST /orders",
    "kind": 2,
    "startTimeUnixNano": "1767225600000000000",
    "endTimeUnixNano": 1767225600001000000,
    "attributes": [{"key": "answer", "value": {"intValue": "42"}}],
    "anUnknownField": {"of": "a later version"},
}


def document(*spans: dict[str, object]) -> bytes:
    service = {"key": "service.name", "value": {"stringValue": "orders"}}
    return json.dumps(
        {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [{"spans": list(spans)}]}]}
    ).encode()


def body(*spans: object) -> bytes:
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.extend(spans)
    return bytes(export.SerializeToString())


def message(answer: bytes) -> str:
    return str(Status.FromString(answer).message)


async def test_what_was_acknowledged_can_be_read_at_once(client: Client, span: Spans) -> None:
    answer = await client.post("/v1/traces", body(span()))
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"", "application/x-protobuf")
    assert len(await client.data(f"/api/traces/{TRACE}")) == 1


async def test_a_json_body_is_taken_with_hexadecimal_ids_and_answered_in_json(client: Client) -> None:
    answer = await client.post("/v1/traces", document(SPAN), content_type="application/json; charset=utf-8")
    assert (answer.status, answer.json, answer.headers["content-type"]) == (200, {}, JSON)
    ((shown,),) = [trace["spans"] for trace in await client.data(f"/api/traces/{TRACE}")]
    assert (shown["spanID"], shown["duration"], shown["references"]) == ("00f067aa0ba902b7", 1_000, [])
    assert {"key": "answer", "type": "int64", "value": 42} in shown["tags"]


async def test_a_gzip_body_is_taken_in_whatever_parts_it_comes(client: Client, span: Spans) -> None:
    packed = gzip.compress(body(span()))
    answer = await client.post("/v1/traces", packed[:10], packed[10:], content_encoding="gzip")
    assert answer.status == 200
    assert len(await client.data(f"/api/traces/{TRACE}")) == 1


async def test_a_request_without_telemetry_is_accepted(client: Client) -> None:
    assert (await client.post("/v1/traces", b"")).status == 200
    assert (await client.post("/v1/logs", b"{}", content_type=JSON)).status == 200


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
@pytest.mark.parametrize("garbage", [b"not protobuf", b"\x0a\xff\xff\xff\xff\x0f", bytes(range(256))])
async def test_garbage_is_refused_with_a_status_message(client: Client, path: str, garbage: bytes) -> None:
    answer = await client.post(path, garbage)
    assert answer.status == 400
    assert message(answer.body).startswith("the body is not a protobuf Export")


@pytest.mark.parametrize(
    ("garbage", "says"),
    [
        (b"{", "Expecting property name"),
        (b"[]", "it must be an object"),
        (b'{"resourceSpans": 3}', "resourceSpans"),
        (b"[" * 100_000, "recursion"),
        (document(SPAN | {"traceId": "xyz"}), "traceId 'xyz' is not hexadecimal"),
        (document(SPAN | {"startTimeUnixNano": "-1"}), "startTimeUnixNano"),
    ],
)
async def test_garbage_in_json_is_refused_with_the_reason(client: Client, garbage: bytes, says: str) -> None:
    answer = await client.post("/v1/traces", garbage, content_type=JSON)
    assert answer.status == 400
    assert says in answer.json["message"]


@pytest.mark.parametrize("packed", [b"plain", gzip.compress(b"x" * 100, mtime=0)[:-9]])
async def test_what_is_not_gzip_although_it_says_so_is_refused(client: Client, packed: bytes) -> None:
    answer = await client.post("/v1/traces", packed, content_encoding="gzip")
    assert answer.status == 400
    assert message(answer.body).startswith("the body is not gzip")


async def test_an_unsupported_content_type_or_encoding_is_a_415_that_says_what_is_supported(client: Client) -> None:
    text = await client.post("/v1/traces", b"", content_type="text/plain")
    zstd = await client.post("/v1/traces", b"", content_encoding="zstd")
    assert (text.status, zstd.status) == (415, 415)
    assert text.json["message"] == "Content-Type 'text/plain' is not supported; allowed: application/x-protobuf, application/json"
    assert message(zstd.body) == "Content-Encoding 'zstd' is not supported; allowed: gzip, identity"


async def test_a_body_beyond_the_bound_is_a_413_as_sent_and_decompressed(client: Client) -> None:
    sent = await client.post("/v1/traces", *[bytes(MAX_BODY_BYTES // 2)] * 3)
    bomb = await client.post("/v1/traces", gzip.compress(bytes(MAX_BODY_BYTES + 1)), content_encoding="gzip")
    assert (sent.status, bomb.status) == (413, 413)
    assert str(MAX_BODY_BYTES) in message(bomb.body)


async def test_a_body_of_exactly_the_bound_is_read(client: Client) -> None:
    fits = await client.post("/v1/traces", gzip.compress(bytes(MAX_BODY_BYTES)), content_encoding="gzip")
    assert (fits.status, message(fits.body)[:26]) == (400, "the body is not a protobuf")


async def test_spans_without_valid_ids_are_refused_alone_and_counted(client: Client, span: Spans) -> None:
    unfit = [span(trace_id=b"short"), span(trace_id=bytes(16)), span()]
    unfit[2].span_id = b""
    answer = await client.post("/v1/traces", body(unfit[0], span(), *unfit[1:]))
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_spans) == (200, 3)
    assert "trace id of 16 bytes" in partial.error_message
    assert len((await client.data(f"/api/traces/{TRACE}"))[0]["spans"]) == 1


async def test_garbage_inside_of_an_attribute_is_refused_with_its_whole_upload(client: Client, span: Spans) -> None:
    good = span(note="a text")
    text = b"a text"
    bad = body(span(), good).replace(text, b"\xff" * len(text))  # No UTF-8, which all texts of protobuf are.
    answer = await client.post("/v1/traces", bad)
    assert answer.status == 400
    assert "an attribute" in message(answer.body)
    assert (await client.get(f"/api/traces/{TRACE}")).status == 404


async def test_garbage_does_not_harm_uploads_that_share_its_transaction(client: Client, span: Spans) -> None:
    answers = await asyncio.gather(*(client.post("/v1/traces", each) for each in (body(span()), b"garbage", body(span()))))
    assert [answer.status for answer in answers] == [200, 400, 200]
    assert len((await client.data(f"/api/traces/{TRACE}"))[0]["spans"]) == 2


async def test_more_than_the_budget_is_a_429_with_retry_after_until_what_waits_is_written(starved: Client, span: Spans) -> None:
    large = body(span(note="x" * 600))
    waiting = [asyncio.create_task(starved.post("/v1/traces", large)) for _ in range(3)]
    for _ in range(10):
        await asyncio.sleep(0)  # All three have come as far as they can without a writer.
    refused = [task.result() for task in waiting if task.done()]
    assert [answer.status for answer in refused] == [429, 429]
    assert refused[0].headers["retry-after"] == "1"
    starved.store.start()
    assert [answer.status for answer in await asyncio.gather(*waiting)].count(200) == 1
    assert (await starved.post("/v1/traces", large)).status == 200


async def test_a_sender_that_leaves_gives_its_share_back(starved: Client, span: Spans) -> None:
    starved.store.start()
    assert (await starved.post("/v1/traces", bytes(900), None)).status == 400
    assert (await starved.post("/v1/traces", body(span(note="x" * 600)))).status == 200


async def test_a_body_that_stalls_is_a_408(client: Client) -> None:
    impatient = receiver_app(
        client.store._writer, ByteBudget(1_000, lambda _: None), StoreMetrics(Path("none"), 16), read_timeout_s=0
    )
    headers = {"content-type": "application/x-protobuf"}
    answer = await client.ask(impatient, "POST", "/v1/traces", headers, [b"begin", b"(stalls)"])
    assert answer.status == 408


async def test_a_refusal_by_sqlite_is_a_503_and_not_ready_until_a_write_succeeds(client: Client, span: Spans) -> None:
    client.store._writer._connection.execute("PRAGMA query_only = ON")
    answer = await client.post("/v1/traces", body(span()))
    ready = await client.get("/health/ready")
    assert (answer.status, answer.headers["retry-after"], ready.status) == (503, "5", 503)
    assert "readonly" in message(answer.body)
    assert "readonly" in ready.json["reason"]
    client.store._writer._connection.execute("PRAGMA query_only = OFF")
    assert (await client.post("/v1/traces", body(span()))).status == 200
    assert (await client.get("/health/ready")).status == 200
    assert len((await client.data(f"/api/traces/{TRACE}"))[0]["spans"]) == 1


async def test_after_a_transaction_that_failed_half_way_the_same_upload_is_kept_whole(client: Client, span: Spans) -> None:
    execute = client.store._writer._connection.execute
    execute("CREATE TRIGGER refuse BEFORE INSERT ON span BEGIN SELECT RAISE(ABORT, 'no room'); END")
    assert (await client.post("/v1/traces", document(SPAN), content_type=JSON)).status == 503
    execute("DROP TRIGGER refuse")
    assert await client.data("/api/services") == []
    assert (await client.post("/v1/traces", document(SPAN), content_type=JSON)).status == 200
    assert len(await client.data("/api/traces?service=orders&operation=POST+/orders")) == 1


async def test_a_closed_store_refuses_instead_of_keeping_senders_waiting(client: Client, span: Spans) -> None:
    client.store._writer.close(timeout_s=5)
    assert (await client.post("/v1/traces", body(span()))).status == 503


async def test_both_sides_say_that_they_live(client: Client) -> None:
    live = await client.ask(client.store.receiver, "GET", "/health/live", {}, [b""])
    assert (live.status, (await client.get("/health/live")).status) == (200, 200)
