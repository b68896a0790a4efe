"""What the Jaeger UI (up to 2.14) and Grafana's Jaeger data source send, to the letter, and what they read of the answers.

Sources: jaeger-ui `packages/jaeger-ui/src/api/jaeger.ts` and `SearchForm` (query-string writes a null as a bare key, and sorts),
grafana `public/app/plugins/datasource/jaeger/datasource.ts` (up to 11) and `pkg/tsdb/jaeger/client.go` (from 12), jaeger
`cmd/jaeger/internal/extension/jaegerquery/internal/{http_handler,query_parser}.go` for what the answers have to be.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

if TYPE_CHECKING:
    from tests.observability.store.conftest import Client, Spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
START, END = 1_767_225_500_000_000, 1_767_225_700_000_000
START_MS, END_MS = START // 1_000, END // 1_000


@pytest.fixture
async def shop(client: Client, span: Spans) -> Client:
    """A client of a store with one trace of two services, one of whose spans failed after 1.2 s."""
    root = span("POST /orders", duration_us=1_500_000, http__response__status_code=504)
    call = span("POST", parent=root, duration_us=1_200_000, kind=Span.SPAN_KIND_CLIENT, payments__retry=True)
    call.status.code = Status.STATUS_CODE_ERROR
    event = call.events.add(name="resilience.retry", time_unix_nano=START * 1_000)
    event.attributes.add(key="firebreak.reason").value.string_value = "timeout"
    await client.add("shop/orders", call, root)
    await client.add("payments", span("POST /charges", parent=call, duration_us=1_100_000))
    return client


@pytest.mark.parametrize(
    "target",
    [
        # The Jaeger UI: a search as its form submits it first, with every field filled in, and over its longest time.
        f"/api/traces?end={END}&limit=20&lookback=1h&maxDuration&minDuration&service=shop%2Forders&start={START}",
        (
            f"/api/traces?end={END}&limit=1500&lookback=custom&maxDuration=2s&minDuration=1.2s&operation=POST&service=shop%2Forders"
            f"&start={START}&tags=%7B%22error%22%3A%22true%22%2C%22payments.retry%22%3A%22true%22%7D"
        ),
        f"/api/traces?end={END}&limit=20&lookback=4w&maxDuration&minDuration&service=shop%2Forders&start=0",
        # ... its page of comparison, and a page of a trace whose adjustments are switched off.
        f"/api/traces?traceID={TRACE}",
        f"/api/traces/{TRACE}",
        f"/api/traces/{TRACE}?raw=true&prettyPrint=true",
        # Grafana up to 11, whose range may be given as `now-6h`, and which sends a lookback that means nothing.
        f"/api/traces?service=shop%2Forders&limit=20&start={START}&end={END}&lookback=custom",
        (
            f"/api/traces?service=shop%2Forders&operation=POST&tags=%7B%22payments.retry%22%3A%22true%22%7D&minDuration=100ms"
            f"&maxDuration=5s&limit=4000&start={START}&end={END}&lookback=custom"
        ),
        # Grafana from 12: in Go's order, and with the range of the panel beside a trace's id, in milliseconds.
        f"/api/traces?end={END}&limit=20&maxDuration=5s&minDuration=100ms&operation=POST&service=shop%2Forders&start={START}"
        "&tags=%7B%22http.response.status_code%22%3A%22504%22%7D".replace("operation=POST", "operation=POST+%2Forders"),
        f"/api/traces/{TRACE}?end={END_MS}&start={START_MS}",
        f"/api/traces/{TRACE.upper()}",
    ],
)
async def test_a_search_or_trace_is_answered_whoever_asks(shop: Client, target: str) -> None:
    answer = (await shop.get(target)).json
    assert answer["errors"] is None
    assert [trace["traceID"] for trace in answer["data"]] == [TRACE]
    assert {type(answer[name]) for name in ("total", "limit", "offset")} == {int}


async def test_a_trace_has_every_field_that_readers_decode_in_the_type_they_decode_it_as(shop: Client) -> None:
    (trace,) = (await shop.get(f"/api/traces/{TRACE}")).json["data"]
    assert {name: type(value) for name, value in trace.items()} == {
        "traceID": str,
        "spans": list,
        "processes": dict,
        "warnings": type(None),
    }
    for span in trace["spans"]:
        strings = {span[name] for name in ("traceID", "spanID", "processID", "operationName")}
        integers = {span[name] for name in ("startTime", "duration", "flags")}
        assert ({type(each) for each in strings}, {type(each) for each in integers}) == ({str}, {int})
        assert all(each.keys() == {"refType", "traceID", "spanID"} for each in span["references"])
        assert all(type(log["timestamp"]) is int and pairs(log["fields"]) for log in span["logs"])
        assert pairs(span["tags"])
        assert pairs(trace["processes"][span["processID"]]["tags"]) is not None
    assert {process["serviceName"] for process in trace["processes"].values()} == {"shop/orders", "payments"}
    # The parent that Grafana draws is the first CHILD_OF.
    parents = {span["operationName"]: [each["refType"] for each in span["references"]] for span in trace["spans"]}
    assert parents == {"POST /orders": [], "POST": ["CHILD_OF"], "POST /charges": ["CHILD_OF"]}


def pairs(tags: list[dict[str, Any]]) -> bool:
    """Whether all have a key, a type that Jaeger has, and a value."""
    types = {"string", "bool", "int64", "float64", "binary"}
    return all(tag.keys() == {"key", "type", "value"} and tag["type"] in types for tag in tags)


async def test_services_and_operations_are_lists_of_texts(shop: Client) -> None:
    assert await shop.data("/api/services") == ["payments", "shop/orders"]  # Grafana's test of a data source asks this.
    assert await shop.data("/api/services/shop%2Forders/operations") == ["POST", "POST /orders"]
    assert await shop.data("/api/operations?service=shop%2Forders&spanKind=server") == [
        {"name": "POST /orders", "spanKind": "server"}
    ]


@pytest.mark.parametrize(
    "target",
    [
        f"/api/dependencies?endTs={END_MS}&lookback=604800000",  # The Jaeger UI looks back a week.
        f"/api/dependencies?endTs={END_MS}&lookback={END_MS - START_MS}",  # Grafana looks back over the panel's range.
        f"/api/dependencies?endTs={END_MS}&lookback=604800000&service=payments",
    ],
)
async def test_dependencies_are_answered_whoever_asks(shop: Client, target: str) -> None:
    answer = (await shop.get(target)).json
    assert answer["data"] == [{"parent": "shop/orders", "child": "payments", "callCount": 1, "errorCount": 0}]
    assert answer["errors"] is None


async def test_dependencies_of_a_time_without_calls_are_an_empty_list(shop: Client) -> None:
    assert (await shop.get("/api/dependencies?endTs=1000&lookback=1000")).json["data"] == []


async def test_an_unknown_trace_is_a_404_whose_error_the_jaeger_ui_shows(shop: Client) -> None:
    answer = await shop.get("/api/traces/0000000000000000000000000000beef")
    assert answer.status == 404
    assert answer.json["errors"][0]["code"] == 404
    assert "beef not found" in answer.json["errors"][0]["msg"]


async def test_a_trace_missing_from_a_comparison_is_an_error_beside_the_others(shop: Client) -> None:
    answer = await shop.get(f"/api/traces?traceID={TRACE}&traceID=beef")
    assert (answer.status, len(answer.json["data"])) == (200, 1)
    assert answer.json["errors"] == [{"code": 404, "msg": "trace not found", "traceID": "beef".zfill(32)}]


@pytest.mark.parametrize(
    "target",
    [
        "/api/traces?service=a&limit=0",
        "/api/traces?service=a&start=2&end=1",
        "/api/traces?service=a&minDuration=2s&maxDuration=1s",
        "/api/traces?service=a&tags=nonsense",
        "/api/traces?service=a&tag=error",
        "/api/traces?traceID=nonsense",
        "/api/traces/nonsense",
        "/api/operations",
        "/api/dependencies?endTs=nonsense",
    ],
)
async def test_what_jaeger_refuses_is_refused_with_its_status_and_envelope(shop: Client, target: str) -> None:
    answer = await shop.get(target)
    assert answer.status == 400
    assert json.loads(answer.body)["errors"][0].keys() == {"code", "msg"}
