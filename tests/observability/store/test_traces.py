from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.observability.store.conftest import request

if TYPE_CHECKING:
    from tests.observability.store.conftest import Client, Spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
T0_US = 1_767_225_600_000_000


def ids(count: int) -> list[bytes]:
    return [bytes(15) + bytes([number]) for number in range(1, count + 1)]


async def found(client: Client, query: str) -> list[int]:
    """Ids of the traces that a search finds, as numbers."""
    return [int(trace["traceID"], 16) for trace in await client.data(f"/api/traces?{query}")]


async def test_services_are_those_that_sent_spans_in_alphabetical_order(client: Client, span: Spans) -> None:
    await client.add("orders", span())
    await client.add("gateway", span())
    await client.add_logs("relay", (0, 9, "only logs", b""))
    assert (await client.get("/api/services")).json == {
        "data": ["gateway", "orders"],
        "total": 2,
        "limit": 0,
        "offset": 0,
        "errors": None,
    }


async def test_operations_are_listed_as_names_and_as_names_with_kinds(client: Client, span: Spans) -> None:
    await client.add("orders", span("POST /orders"), span("POST", kind=Span.SPAN_KIND_CLIENT), span("POST"), span("POST"))
    assert await client.data("/api/services/orders/operations") == ["POST", "POST /orders"]
    assert await client.data("/api/operations?service=orders&spanKind=client") == [{"name": "POST", "spanKind": "client"}]
    assert len(await client.data("/api/operations?service=orders")) == 3


async def test_an_unknown_service_has_no_operations_and_no_traces(client: Client) -> None:
    assert await client.data("/api/services/nobody/operations") == []
    assert await found(client, "service=nobody") == []


async def test_a_service_whose_name_has_a_slash_is_found(client: Client, span: Spans) -> None:
    await client.add("shop/eu", span("GET /"))
    assert await client.data("/api/services/shop%2Feu/operations") == ["GET /"]


async def test_a_trace_has_jaegers_form(client: Client, span: Spans) -> None:
    root = span("POST /orders", duration_us=40_000, http__response__status_code=201, firebreak__degraded=True, ratio=0.5)
    child = span("POST", parent=root, at_us=5_000, kind=Span.SPAN_KIND_CLIENT)
    child.status.code, child.status.message = Status.STATUS_CODE_ERROR, "timed out"
    event = child.events.add(name="resilience.retry", time_unix_nano=(T0_US + 6_000) * 1_000)
    event.attributes.add(key="firebreak.reason").value.string_value = "timeout"
    child.links.add(trace_id=bytes(15) + b"\1", span_id=bytes(7) + b"\2")
    await client.add("orders", child, root, **{"service.instance.id": "orders/2"})
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    assert trace == {
        "traceID": TRACE,
        "processes": {
            "p1": {"serviceName": "orders", "tags": [{"key": "service.instance.id", "type": "string", "value": "orders/2"}]}
        },
        "warnings": None,
        "spans": [
            {
                "traceID": TRACE,
                "spanID": "0000000000000001",
                "flags": 0,
                "operationName": "POST /orders",
                "references": [],
                "startTime": T0_US,
                "duration": 40_000,
                "tags": [
                    {"key": "http.response.status_code", "type": "int64", "value": 201},
                    {"key": "firebreak.degraded", "type": "bool", "value": True},
                    {"key": "ratio", "type": "float64", "value": 0.5},
                    {"key": "span.kind", "type": "string", "value": "server"},
                ],
                "logs": [],
                "processID": "p1",
                "warnings": None,
            },
            {
                "traceID": TRACE,
                "spanID": "0000000000000002",
                "flags": 0,
                "operationName": "POST",
                "references": [
                    {"refType": "CHILD_OF", "traceID": TRACE, "spanID": "0000000000000001"},
                    {"refType": "FOLLOWS_FROM", "traceID": "0" * 31 + "1", "spanID": "0" * 15 + "2"},
                ],
                "startTime": T0_US + 5_000,
                "duration": 1_000,
                "tags": [
                    {"key": "span.kind", "type": "string", "value": "client"},
                    {"key": "otel.status_code", "type": "string", "value": "ERROR"},
                    {"key": "otel.status_description", "type": "string", "value": "timed out"},
                    {"key": "error", "type": "bool", "value": True},
                ],
                "logs": [
                    {
                        "timestamp": T0_US + 6_000,
                        "fields": [
                            {"key": "event", "type": "string", "value": "resilience.retry"},
                            {"key": "firebreak.reason", "type": "string", "value": "timeout"},
                        ],
                    }
                ],
                "processID": "p1",
                "warnings": None,
            },
        ],
    }


async def test_spans_of_several_senders_make_one_trace_with_a_process_each(client: Client, span: Spans) -> None:
    root = span("POST /v1/orders")
    await client.add("gateway", root, span(trace_id=ids(1)[0]))
    await client.add("orders", span("POST /orders", parent=root, at_us=10))
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    names = [trace["processes"][each["processID"]]["serviceName"] for each in trace["spans"]]
    assert names == ["gateway", "orders"]


async def test_a_span_that_was_sent_twice_is_shown_once(client: Client, span: Spans) -> None:
    once = span()
    await client.add("orders", once)
    await client.add("orders", once)
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    assert len(trace["spans"]) == 1


async def test_an_unknown_trace_is_a_404_in_the_envelope(client: Client) -> None:
    answer = await client.get("/api/traces/ff")
    assert answer.status == 404
    assert answer.json["errors"] == [{"code": 404, "msg": f"trace {'ff'.zfill(32)} not found"}]


async def test_a_short_trace_id_is_read_as_a_64_bit_one(client: Client, span: Spans) -> None:
    await client.add("orders", span(trace_id=ids(7)[6]))
    assert (await client.data("/api/traces/7"))[0]["traceID"] == "7".zfill(32)


async def test_the_most_recent_traces_come_first_and_the_limit_cuts_the_oldest(client: Client, span: Spans) -> None:
    for second, trace_id in enumerate(ids(6)):
        await client.add("orders", span(trace_id=trace_id, at_us=second * 1_000_000))
    assert await found(client, "service=orders&limit=3") == [6, 5, 4]


async def test_the_limit_cuts_by_time_even_when_one_upload_spans_many_others(client: Client, span: Spans) -> None:
    oldest, *others, newest = ids(5)
    await client.add("orders", span(trace_id=oldest), span(trace_id=newest, at_us=9_000_000))
    for second, trace_id in enumerate(others, 1):
        await client.add("orders", span(trace_id=trace_id, at_us=second * 1_000_000))
    assert await found(client, "limit=3") == [5, 4, 3]


async def test_a_search_without_a_service_finds_traces_of_all(client: Client, span: Spans) -> None:
    await client.add("orders", span(trace_id=ids(1)[0]))
    await client.add("payments", span(trace_id=ids(2)[1]))
    assert len(await found(client, "")) == 2


async def test_a_search_by_operation_and_duration_finds_spans_that_have_both(client: Client, span: Spans) -> None:
    slow, fast, other = ids(3)
    await client.add(
        "orders", span("A", slow, duration_us=80_000), span("A", fast, duration_us=900), span("B", other, duration_us=80_000)
    )
    assert await found(client, "service=orders&operation=A&minDuration=1ms") == [1]
    assert await found(client, "service=orders&operation=A&maxDuration=900us") == [2]
    assert await found(client, "service=orders&minDuration=80.001ms") == []


async def test_a_search_by_time_includes_both_ends(client: Client, span: Spans) -> None:
    await client.add("orders", *(span(trace_id=trace_id, at_us=second * 1_000_000) for second, trace_id in enumerate(ids(3))))
    assert await found(client, f"start={T0_US + 1_000_000}&end={T0_US + 1_000_000}") == [2]
    assert await found(client, f"end={T0_US + 2_000_000}&lookback=1s") == [3, 2]


async def test_traces_can_be_asked_for_by_their_ids(client: Client, span: Spans) -> None:
    for trace_id in ids(3):
        await client.add("orders", span(trace_id=trace_id))
    assert await found(client, "traceID=3&traceID=1&traceID=99") == [3, 1]


async def tags_find(client: Client, **tags: str) -> bool:
    return bool(
        await found(client, "service=orders&tags=" + quote(json.dumps({k.replace("__", "."): v for k, v in tags.items()})))
    )


async def test_a_tag_is_found_by_its_text_whatever_its_type(client: Client, span: Spans) -> None:
    await client.add("orders", span(http__response__status_code=503, firebreak__degraded=True, ratio=0.25, whole=2.0, note="a=b"))
    assert await tags_find(client, http__response__status_code="503")
    assert await tags_find(client, firebreak__degraded="true")
    assert await tags_find(client, ratio="0.25", whole="2", note="a=b")
    assert not await tags_find(client, http__response__status_code="50")
    assert not await tags_find(client, http__response__status_code="504")
    assert not await tags_find(client, unheard_of="503")


async def test_an_attribute_is_found_and_shown_however_its_sender_spells_it(client: Client, span: Spans) -> None:
    usual, value_first = b"\x0a\x04note\x12\x05\x0a\x03abc", b"\x12\x05\x0a\x03abc\x0a\x04note"
    body = request("orders", span(note="abc"))
    assert (await client.post("/v1/traces", body.replace(usual, value_first))).status == 200
    assert body.replace(usual, value_first) != body
    assert await tags_find(client, note="abc")
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    assert {"key": "note", "type": "string", "value": "abc"} in trace["spans"][0]["tags"]


async def test_texts_are_shown_as_they_were_sent_whatever_characters_they_have(client: Client, span: Spans) -> None:
    odd = 'a "quoted" \\ path\n\x00\x1f and \u2028 some 🍜'
    event = (one := span(odd, note=odd)).events.add(name=odd)
    one.attributes.add(key=odd).value.bool_value = True
    event.attributes.add(key=odd).value.string_value = odd
    one.status.code, one.status.message = Status.STATUS_CODE_ERROR, odd
    await client.add(odd, one, **{odd: odd})
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    (shown,) = trace["spans"]
    texts = {"key": odd, "type": "string", "value": odd}
    assert (shown["operationName"], shown["logs"][0]["fields"][1]) == (odd, texts)
    assert trace["processes"]["p1"] == {"serviceName": odd, "tags": [texts]}
    assert {"key": odd, "type": "bool", "value": True} in shown["tags"]
    assert {(tag["key"], tag["value"]) for tag in shown["tags"]} >= {("note", odd), ("otel.status_description", odd)}


async def test_tags_of_a_search_must_all_be_on_one_span(client: Client, span: Spans) -> None:
    await client.add("orders", span(a="1"), span(b="1"))
    assert await tags_find(client, a="1")
    assert not await tags_find(client, a="1", b="1")


async def test_bytes_that_look_like_a_tag_inside_another_value_do_not_match(client: Client, span: Spans) -> None:
    await client.add("orders", span(note="\n\x01a\x12\x03\n\x01b"))
    assert not await tags_find(client, a="b")


async def test_events_and_the_process_are_searched_too(client: Client, span: Spans) -> None:
    one = span()
    one.events.add(name="chaos.injected").attributes.add(key="chaos.fault").value.string_value = "hang"
    await client.add("orders", one, **{"service.instance.id": "orders/2"})
    assert await tags_find(client, event="chaos.injected", chaos__fault="hang", service__instance__id="orders/2")
    assert not await tags_find(client, service__instance__id="orders/1")


async def test_error_and_span_kind_are_searched_as_jaeger_makes_them(client: Client, span: Spans) -> None:
    bad, good = span(trace_id=ids(1)[0], kind=Span.SPAN_KIND_CLIENT), span(trace_id=ids(2)[1])
    bad.status.code = Status.STATUS_CODE_ERROR
    await client.add("orders", bad, good)
    assert await found(client, "service=orders&tag=error:true") == [1]
    assert await found(client, "service=orders&tag=otel.status_code:ERROR&tag=span.kind:client") == [1]
    assert await found(client, "service=orders&tag=span.kind:server") == [2]
    assert await found(client, "service=orders&tag=error:true&tag=span.kind:server") == []


async def test_lists_large_integers_and_numbers_that_json_lacks_are_shown_as_text(client: Client, span: Spans) -> None:
    one = span(large=2**60, odd=float("nan"), raw=b"\x00\xff")
    values = one.attributes.add(key="list").value.array_value.values
    values.add().string_value = "a"
    values.add().int_value = 1
    await client.add("orders", one)
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    shown = {tag["key"]: (tag["type"], tag["value"]) for tag in trace["spans"][0]["tags"]}
    assert shown["large"] == ("int64", str(2**60))
    assert shown["odd"] == ("float64", "nan")
    assert shown["raw"] == ("binary", "AP8=")
    assert shown["list"] == ("string", '["a", 1]')
    assert await tags_find(client, list='["a", 1]')


async def test_a_sender_without_a_name_is_an_unknown_service(client: Client, span: Spans) -> None:
    await client.add("", span())
    assert await client.data("/api/services") == ["unknown_service"]


async def test_a_trace_too_long_to_show_is_cut_and_says_so(client: Client, span: Spans) -> None:
    for _ in range(6):
        await client.add("orders", *(span() for _ in range(2_000)))
    (trace,) = await client.data(f"/api/traces/{TRACE}")
    assert len(trace["spans"]) == 10_000
    assert trace["warnings"] == ["the trace has more than 10000 spans; the rest is not shown"]
