"""What nobody sends by accident: it costs whoever sends it an answer, and nobody else anything."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # googleapis ships no types.
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from observability.store import otlp, span_batch, weight
from observability.store.catalog import MAX_NAME_CHARS
from tests.observability.store.conftest import attributes

if TYPE_CHECKING:
    from tests.observability.store.conftest import Client, Spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
LAST_NS = 2**64 - 1


def of_empty_spans(count: int) -> bytes:
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.extend([Span()] * count)
    return bytes(export.SerializeToString())


async def test_a_body_of_a_million_empty_spans_or_records_is_a_413(client: Client) -> None:
    spans = await client.post("/v1/traces", of_empty_spans(1_000_000))
    logs = ExportLogsServiceRequest.FromString(of_empty_spans(1_000_000))  # Both have the same shape.
    records = await client.post("/v1/logs", logs.SerializeToString())
    resources = await client.post("/v1/traces", b"\x0a\x00" * 1_000_000)
    assert (spans.status, records.status, resources.status) == (413, 413, 413)
    assert f"more than {otlp.MAX_ITEMS}" in Status.FromString(spans.body).message


async def test_as_many_empty_records_as_are_allowed_are_taken_and_the_next_upload_too(client: Client) -> None:
    export = ExportLogsServiceRequest()
    records = export.resource_logs.add().scope_logs.add().log_records
    for _ in range(otlp.MAX_ITEMS - 2):
        records.add()
    for _ in range(2):
        assert (await client.post("/v1/logs", export.SerializeToString())).status == 200
    assert len(await client.data("/api/logs?limit=5000")) == 5_000


async def test_as_many_invalid_spans_as_are_allowed_are_left_out_and_counted(client: Client) -> None:
    answer = await client.post("/v1/traces", of_empty_spans(otlp.MAX_ITEMS - 2))
    assert ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans == otlp.MAX_ITEMS - 2


async def test_a_span_of_too_many_parts_is_left_out_and_the_others_kept(client: Client, span: Spans) -> None:
    swollen, eventful, plain = span(), span(), span()
    for _ in range(span_batch.MAX_PARTS + 1):
        swollen.attributes.add()
        eventful.events.add()
    answer = await client.post("/v1/traces", request(swollen, plain, eventful))
    assert ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans == 2
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    assert [each["spanID"] for each in trace["spans"]] == [plain.span_id.hex()]


def request(*spans: Span) -> bytes:
    export = ExportTraceServiceRequest()
    export.resource_spans.add().scope_spans.add().spans.extend(spans)
    return bytes(export.SerializeToString())


async def test_a_trace_of_many_megabytes_is_cut_and_says_so(client: Client, span: Spans) -> None:
    large = "x" * 3_000_000
    for _ in range(weight.MAX_ANSWER_BYTES // len(large) + 2):
        assert (await client.post("/v1/traces", request(span(note=large)))).status == 200
    answer = await client.get(f"/api/traces/{TRACE}")
    assert len(answer.body) <= weight.MAX_ANSWER_BYTES
    assert answer.json["data"][0]["warnings"] == [
        f"the trace has more than {weight.MAX_ANSWER_BYTES} bytes; the rest is not shown"
    ]


async def test_log_records_of_many_megabytes_are_cut_to_the_newest(client: Client) -> None:
    for at_s in range(8):
        await client.add_logs("orders", (at_s, 9, f"{at_s}" * 3_000_000, b""))
    shown = await client.data("/api/logs")
    assert [line["body"][0] for line in shown] == ["3", "4", "5", "6", "7"]


async def test_names_as_long_as_a_body_are_cut_in_lists_and_whole_in_their_trace(client: Client, span: Spans) -> None:
    name = "n" * 1_000_000
    await client.add(name, span(name))
    await client.add(name, span(name + "other"))
    assert await client.data("/api/services") == [name[:MAX_NAME_CHARS]]
    assert await client.data(f"/api/services/{name[:MAX_NAME_CHARS]}/operations") == [name[:MAX_NAME_CHARS]]
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    assert {len(each["operationName"]) for each in trace["spans"]} == {1_000_000, 1_000_005}


@pytest.mark.parametrize(("start_ns", "end_ns"), [(0, LAST_NS), (LAST_NS, 0), (LAST_NS, LAST_NS), (0, 0)])
async def test_a_span_from_the_beginning_or_the_end_of_time_is_kept_and_found(
    client: Client, span: Spans, start_ns: int, end_ns: int
) -> None:
    odd = span()
    odd.start_time_unix_nano, odd.end_time_unix_nano = start_ns, end_ns
    await client.add("orders", odd)
    (trace,) = await client.data("/api/traces?service=orders&operation=GET+/menu&minDuration=0s&limit=5")
    assert trace["spans"][0]["duration"] == max(0, end_ns // 1_000 - start_ns // 1_000)
    assert await client.data(f"/api/traces?service=orders&start={start_ns // 1_000}&end={start_ns // 1_000}") == [trace]


@pytest.mark.parametrize("depth", [90, 200, 5_000])
async def test_attributes_inside_of_attributes_are_taken_or_refused_but_break_nothing(
    client: Client, span: Spans, depth: int
) -> None:
    nested = '{"arrayValue":{"values":[' * depth + '{"stringValue":"x"}' + "]}}" * depth
    one = f'{{"traceId":"{TRACE}","spanId":"{"ff" * 8}","attributes":[{{"key":"deep","value":{nested}}}]}}'
    document = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{one}]}}]}}]}}'
    answer = await client.post("/v1/traces", document.encode(), content_type="application/json")
    assert answer.status in (200, 400)
    assert (await client.get(f"/api/traces/{TRACE}")).status == (200 if answer.status == 200 else 404)
    await client.add("orders", span())


async def test_a_bomb_inside_a_bomb_is_not_unpacked(client: Client) -> None:
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))
    answer = await client.post("/v1/traces", bomb, content_encoding="gzip")
    assert answer.status == 400  # One layer is taken off, and what is inside is no protobuf.


async def test_a_chunk_with_more_tags_than_are_hashed_is_searched_all_the_same(client: Client, span: Spans) -> None:
    many = [span() for _ in range(8)]
    for part, each in enumerate(many):
        each.attributes.extend(attributes({f"key{part}_{number}": "v" for number in range(9_000)}))
    many[3].attributes.add(key="order.id").value.string_value = "42"
    await client.add("orders", *many)
    assert client.store._reading.execute("SELECT COUNT(*) FROM tags").fetchone() == (0,)
    assert len(await client.data("/api/traces?tag=order.id:42")) == 1
    assert await client.data("/api/traces?tag=order.id:43") == []
