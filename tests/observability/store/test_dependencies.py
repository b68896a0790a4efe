from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from observability.store.links import Links
from observability.store.sealed import read_spans
from observability.store.span_batch import SpanBatch

if TYPE_CHECKING:
    from tests.observability.store.conftest import Client, Spans

T0_MS = 1_767_225_600_000
HOUR_MS = 3_600_000


async def calls(client: Client, query: str = f"endTs={T0_MS + 1_000}&lookback={HOUR_MS}") -> list[tuple[str, str, int]]:
    return [(each["parent"], each["child"], each["callCount"]) for each in await client.data(f"/api/dependencies?{query}")]


async def test_a_span_whose_parent_is_of_another_service_is_a_call(client: Client, span: Spans) -> None:
    root = span()
    own = span(parent=root, kind=Span.SPAN_KIND_CLIENT)
    await client.add("gateway", own, root)
    await client.add("orders", span(parent=own), span(parent=own))
    assert await calls(client) == [("gateway", "orders", 2)]


async def test_a_call_failed_if_its_callee_says_so_whichever_of_the_two_arrives_first(client: Client, span: Spans) -> None:
    early, late = span(kind=Span.SPAN_KIND_CLIENT), span(kind=Span.SPAN_KIND_CLIENT)
    late.status.code = Status.STATUS_CODE_ERROR  # What the caller made of it is the caller's own.
    callees = [span(parent=caller) for caller in (early, early, late)]
    for callee in callees[1:]:
        callee.status.code = Status.STATUS_CODE_ERROR
    await client.add("orders", early)
    await client.add("payments", *callees)
    await client.add("orders", late)
    await client.add("payments", span(parent=late))
    [edge] = await client.data(f"/api/dependencies?endTs={T0_MS + 1_000}&lookback={HOUR_MS}")
    assert edge == {"parent": "orders", "child": "payments", "callCount": 4, "errorCount": 2}


async def test_a_callee_may_arrive_before_its_caller(client: Client, span: Spans) -> None:
    caller = span(kind=Span.SPAN_KIND_CLIENT)
    await client.add("payments", span(parent=caller))
    assert await calls(client) == []
    await client.add("orders", caller)
    assert await calls(client) == [("orders", "payments", 1)]


async def test_parents_are_looked_for_in_their_own_trace(client: Client, span: Spans) -> None:
    caller, other = span(), span(trace_id=bytes(15) + b"\1")
    other.parent_span_id = caller.span_id
    await client.add("orders", caller)
    await client.add("payments", other)
    assert await calls(client) == []


async def test_a_span_that_was_sent_twice_is_one_call(client: Client, span: Spans) -> None:
    caller = span()
    callee = span(parent=caller)
    for _ in range(2):
        await client.add("orders", caller)
        await client.add("payments", callee)
    assert await calls(client) == [("orders", "payments", 1)]


async def test_the_processing_of_an_event_is_a_call_by_its_publisher_whether_parent_or_link(client: Client, span: Spans) -> None:
    publish = span("publish order.placed", kind=Span.SPAN_KIND_PRODUCER)
    child = span("process order.placed", parent=publish, kind=Span.SPAN_KIND_CONSUMER)
    linked = span("process order.placed", bytes(15) + b"\2", kind=Span.SPAN_KIND_CONSUMER)
    both = span("process order.placed", parent=publish, kind=Span.SPAN_KIND_CONSUMER)
    for each in (linked, both):
        each.links.add(trace_id=publish.trace_id, span_id=publish.span_id)
    await client.add("notifications", child, linked, both)
    await client.add("orders", publish)
    assert await calls(client) == [("orders", "notifications", 3)]


async def test_a_link_of_a_span_that_has_a_parent_is_no_call(client: Client, span: Spans) -> None:
    root, elsewhere = span(), span()
    inner = span(parent=root, kind=Span.SPAN_KIND_INTERNAL)
    inner.links.add(trace_id=elsewhere.trace_id, span_id=elsewhere.span_id)
    await client.add("orders", root, inner)
    await client.add("payments", elsewhere)
    assert await calls(client) == []


async def test_calls_are_counted_when_the_callee_began(client: Client, span: Spans) -> None:
    caller = span()
    await client.add("orders", caller)
    await client.add("payments", span(parent=caller, at_us=0), span(parent=caller, at_us=60_000_000))
    assert await calls(client, f"endTs={T0_MS + 1_000}&lookback=1000") == [("orders", "payments", 1)]
    assert await calls(client, f"endTs={T0_MS + 60_000}&lookback=60000") == [("orders", "payments", 2)]
    assert await calls(client, f"endTs={T0_MS - 60_000}&lookback=60000") == []


async def test_dependencies_of_one_service_are_those_it_is_part_of(client: Client, span: Spans) -> None:
    first = span()
    second = span(parent=first)
    await client.add("gateway", first)
    await client.add("orders", second)
    await client.add("payments", span(parent=second))
    everything = f"endTs={T0_MS}&lookback={HOUR_MS}"
    assert await calls(client, everything) == [("gateway", "orders", 1), ("orders", "payments", 1)]
    assert await calls(client, f"{everything}&service=payments") == [("orders", "payments", 1)]


async def test_without_an_end_the_last_day_is_asked_for(client: Client, span: Spans) -> None:
    caller = span()
    await client.add("orders", caller)
    await client.add("payments", span(parent=caller))
    assert await calls(client, "") == []  # The tests' spans began long ago.


async def test_after_a_refusal_by_sqlite_the_same_spans_are_counted_once(client: Client, span: Spans) -> None:
    caller = span()
    callee = span(parent=caller)
    await client.add("orders", caller)
    client.store._writer._connection.execute("PRAGMA query_only = ON")
    assert (await client.post("/v1/traces", b"")).status == 503
    client.store._writer._connection.execute("PRAGMA query_only = OFF")
    await client.add("orders", caller)
    await client.add("payments", callee)
    assert await calls(client) == [("orders", "payments", 1)]


async def test_wrong_times_are_refused_with_what_is_allowed(client: Client) -> None:
    assert "'endTs'" in (await client.problems("/api/dependencies?endTs=now&lookback=1"))[0]
    assert "'lookback' = '1h' must be a whole number" in (await client.problems("/api/dependencies?lookback=1h"))[0]


def batch(*spans: Span) -> SpanBatch:
    return SpanBatch.of(read_spans(ResourceSpans(scope_spans=[ScopeSpans(spans=spans)]).SerializeToString()))


def test_what_is_remembered_has_a_bound(span: Spans) -> None:
    links, caller = Links(), span()
    links.add(1, batch(caller))
    for number in range(1, 70):
        many = (Span(trace_id=b"t" * 16, span_id=(number << 16 | each).to_bytes(8, "big")) for each in range(1, 1_001))
        links.add(1, batch(*many))
    links.add(2, batch(span(parent=caller)))
    assert links.take() == []
    assert len(links._services._young) + len(links._services._old) <= 2 * 33_768
