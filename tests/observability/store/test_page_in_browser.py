"""What the page makes of every kind of answer that the API gives, in a real browser."""

from __future__ import annotations

import asyncio
import html
import re
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import uvicorn
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from observability.store.errors import QueryTooLongError
from observability.store.logs import Logs
from observability.store.store import Store, TwoSides
from tests.observability.store.conftest import T0_US, TRACE, Client, attributes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from observability.store.logs import LogLine, LogQuery
    from observability.store.settings import StoreSettings
    from tests.chromium import Chromium
    from tests.observability.store.conftest import Spans

pytestmark = pytest.mark.server

EVIL = '<img src=x onerror="document.title=`taken`"><script>document.title=`taken`</script>'


class Page:
    """A store with its page on a real socket."""

    def __init__(self, client: Client, url: str, chromium: Chromium) -> None:
        self.client = client
        self._url = url
        self._chromium = chromium

    async def shows(self, path: str, width: int = 1_280) -> str:
        """The document of a view, as HTML."""
        return await asyncio.to_thread(self._chromium.dom, self._url + path, width)

    async def says(self, path: str) -> str:
        """The text of a view, as a reader sees it."""
        found = re.search(r"<main.*</main>", await self.shows(path), re.DOTALL)
        assert found
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", found[0])))


@pytest.fixture
async def page(settings: StoreSettings, chromium: Chromium) -> AsyncIterator[Page]:
    store = Store(settings)
    store.start()
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    config = uvicorn.Config(TwoSides(store.query, store.receiver, 0), lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield Page(Client(store), f"http://127.0.0.1:{port}", chromium)
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)
        store.close()


def failed(span: Span, *events: tuple[str, dict[str, object]]) -> Span:
    """The span as one that failed, with events in its middle."""
    span.status.code = Status.STATUS_CODE_ERROR
    for name, values in events:
        event = span.events.add(name=name, time_unix_nano=span.start_time_unix_nano + 500_000)
        event.attributes.extend(attributes(values))
    return span


async def fill(client: Client, span: Spans) -> None:
    """An order: the gateway calls orders, orders calls payments, and payments fails because of a fault."""
    root = failed(span("POST /v1/orders", duration_us=10_000))
    call = span("POST /internal/orders", parent=root, at_us=1_000, duration_us=8_000, kind=Span.SPAN_KIND_CLIENT)
    call.attributes.extend(attributes({"firebreak.edge": "gateway->orders"}))
    work = span("POST /internal/orders", parent=call, at_us=2_000, duration_us=6_000)
    pay = failed(span("PUT /payment", parent=work, at_us=3_000, duration_us=2_000), ("chaos.injected", {"chaos.fault": "error"}))
    await client.add("gateway", root, call)
    await client.add("orders", work)
    await client.add("payments", pay)
    await client.add_logs("orders", (1, 17, "payment was refused", TRACE))


async def test_an_empty_store_says_how_to_fill_it(page: Page) -> None:
    assert "No span has arrived yet Start a system with testbed up" in await page.says("/")
    assert "No log line has arrived yet" in await page.says("/logs")
    assert "Nobody called anybody in that time" in await page.says("/dependencies")
    assert "Nothing is kept under that id" in await page.says("/trace/abc")


async def test_a_search_is_its_address_and_shows_what_was_found(page: Page, span: Spans) -> None:
    await fill(page.client, span)
    tags = quote('{"firebreak.edge":"gateway->orders"}')
    shown = await page.shows(f"/search?service=gateway&operation=POST+%2Fv1%2Forders&minDuration=5ms&limit=50&end={T0_US * 2}")
    assert "gateway</b> POST /v1/orders" in shown
    assert ">2 errors<" in shown
    assert 'href="/trace/0af7651916cd43dd8448eb211c80319c"' in shown
    assert "1 trace from 10 ms to 10 ms, 1 with errors" in shown
    assert "No trace has all of that" in await page.says(f"/search?service=gateway&tags={tags}&maxDuration=1ms")
    assert "'minDuration' = 'long' must be a duration" in await page.says("/search?minDuration=long")


async def test_a_trace_shows_where_it_failed_its_events_and_its_logs(page: Page, span: Spans) -> None:
    await fill(page.client, span)
    said = await page.says(f"/trace/{TRACE.hex()}")
    assert "where it failed: payments PUT /payment" in said
    assert "▲ +3.5 ms chaos.injected fault=error" in said
    assert "POST /internal/orders gateway → orders" in said
    assert "payment was refused" in said
    assert re.search(r"orders\s+40 %", said), "of the critical path"
    found = await page.says(f"/trace/{TRACE.hex()}?uiFind=chaos.fault")
    assert "Attributes" in found, "what was looked for is opened"


async def test_the_service_graph_has_every_edge_and_leads_to_its_traces(page: Page, span: Spans) -> None:
    await fill(page.client, span)
    end_ms, week_ms = T0_US // 1000 + 3_600_000, 7 * 86_400_000
    shown = await page.shows(f"/dependencies?endTs={end_ms}&lookback={week_ms}")
    assert 'aria-label="gateway → orders: 1 call"' in shown
    assert 'aria-label="orders → payments: 1 call, 1 error"' in shown
    assert "/search?service=orders&amp;tags=%7B%22firebreak.edge%22%3A%22orders-%3Epayments%22%7D" in shown


@pytest.mark.parametrize("width", [390, 1_280])
async def test_edges_leave_and_enter_services_level_however_narrow_the_window(page: Page, span: Spans, width: int) -> None:
    await fill(page.client, span)
    shown = await page.shows(f"/dependencies?endTs={T0_US // 1000 + 3_600_000}&lookback={7 * 86_400_000}", width)
    curves = re.findall(r'd="M[\d.]+ ([\d.]+)C[\d.]+ ([\d.]+) [\d.]+ ([\d.]+) [\d.]+ ([\d.]+)', shown)
    assert len(curves) == 4, "each edge once to see and once, wider, to hit"
    assert all((start, end) == (leaves, enters) for start, leaves, enters, end in curves)


async def test_a_narrow_window_has_a_chart_of_its_own_width(page: Page, span: Spans) -> None:
    await fill(page.client, span)
    [(wide, _), (narrow, _)] = [
        re.findall(r'viewBox="0 0 (\d+) (\d+)" role="img"', await page.shows("/search?service=gateway", width))[0]
        for width in (1_280, 390)
    ]
    assert int(narrow) < 500 < int(wide)


async def test_logs_are_searched_as_the_address_says(page: Page, span: Spans) -> None:
    await fill(page.client, span)
    await page.client.add_logs("gateway", (2, 9, "an order came", b""))
    assert "2 log lines" in await page.says("/logs")
    said = await page.says("/logs?grep=REFUSED&level=warn&service=orders")
    assert "1 log line" in said
    assert "payment was refused" in said
    assert "No line has all of that" in await page.says("/logs?grep=nowhere")


async def test_logs_are_followed_as_the_address_says(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await page.client.add_logs("gateway", (1, 9, "an order came", b""))
    search, asked = Logs.search, 0

    def search_later(logs: Logs, query: LogQuery) -> list[LogLine]:
        nonlocal asked
        asked += 1
        return search(logs, query) * asked

    monkeypatch.setattr(Logs, "search", search_later)
    assert "1 log line " in await page.says("/logs")
    shown = await page.shows("/logs?follow=on")
    assert asked > 2
    assert f"{asked} log lines" in shown
    assert re.search(r'<input [^>]*name="follow"[^>]*checked', shown)


async def test_following_says_what_holds_it_up_keeps_what_was_found_and_goes_on(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await page.client.add_logs("gateway", (1, 9, "an order came", b""))
    search, asked = Logs.search, 0

    def search_once(logs: Logs, query: LogQuery) -> list[LogLine]:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise QueryTooLongError("the search read for too long")
        return search(logs, query)

    monkeypatch.setattr(Logs, "search", search_once)
    said = await page.says("/logs?follow=on")
    assert asked > 3
    assert "Follow asks again: the search read for too long" in said
    assert "1 log line " in said


async def test_names_that_are_html_are_shown_as_the_text_they_are(page: Page, span: Spans) -> None:
    evil = failed(span(EVIL, duration_us=3_000), (f"resilience.{EVIL}", {EVIL: EVIL}))
    evil.attributes.extend(attributes({EVIL: EVIL}))
    called = span(EVIL, parent=evil, at_us=1_000)
    await page.client.add(EVIL, evil, **{"service.instance.id": EVIL})
    await page.client.add("shop", called)
    await page.client.add_logs(EVIL, (1, 17, EVIL, TRACE))
    end_ms = T0_US // 1000 + 3_600_000
    for path in ("/search", f"/trace/{TRACE.hex()}?uiFind=img", "/logs", f"/dependencies?endTs={end_ms}&lookback=86400000"):
        shown = await page.shows(path)
        assert "&lt;img src=x" in shown, path
        assert not re.search(r"<img|<script>", shown), path
        assert "<title>taken" not in shown, path


async def test_a_trace_of_ten_thousand_spans_is_shown_by_the_rows_in_sight(page: Page, span: Spans) -> None:
    root = span("root", duration_us=20_000_000)
    await page.client.add("gateway", root)
    for first in range(0, 10_000, 2_000):
        await page.client.add(
            "orders", *(span(f"step {first + n}", parent=root, at_us=1_000 * (first + n)) for n in range(2_000))
        )
    shown = await page.shows(f"/trace/{TRACE.hex()}")
    assert "the trace has more than 10000 spans; the rest is not shown" in shown
    assert 'aria-rowcount="10000"' in shown
    assert 10 < shown.count('class="row span') < 300


async def test_a_trace_without_a_root_and_in_a_circle_is_shown_whole(page: Page, span: Spans) -> None:
    first, second, orphan = span("first"), span("second"), span("orphan")
    first.parent_span_id, second.parent_span_id, orphan.parent_span_id = second.span_id, first.span_id, b"\xff" * 8
    await page.client.add("gateway", first, second, orphan)
    shown = await page.shows(f"/trace/{TRACE.hex()}")
    assert shown.count('class="row span') == 3
