"""The lean path makes the spans that the default path makes, whatever the request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI, Request
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from observability import names
from observability.asgi import App, Receive, Scope, Send
from observability.metrics import Metrics
from observability.propagation import CARRIED, carry_known_baggage
from observability.server_span import OF_PLATFORM
from observability.trace_options import TracePath
from observability.tracing import observe_requests
from tests.observability.asked import Asked, from_caller, send_to
from tests.observability.traced_application import application

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


@pytest.fixture(autouse=True)
def _conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As create_telemetry does."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
    carry_known_baggage()


REQUESTS = {
    "answered": Asked("/accounts/7"),
    "with a query": Asked("/accounts/7", query=b"page=2&sort=name"),
    "of an included router": Asked("/v1/items/7/parts/8"),
    "with another method of the route": Asked("/accounts/7", method="DELETE"),
    "with a method that nobody knows": Asked("/accounts/7", method="BREW"),
    "with a method that nobody knows, to nowhere": Asked("/nowhere", method="BREW"),
    "to no route": Asked("/nowhere"),
    "redirected for its slash": Asked("/accounts/7/"),
    "not valid": Asked("/accounts/seven"),
    "refused by a handler": Asked("/refused"),
    "failed by a handler": Asked("/failed"),
    "with a bug in the handler": Asked("/bug"),
    "with a bug that an error handler knows": Asked("/known-bug"),
    "with a bug after the answer began": Asked("/torn"),
    "answered in parts": Asked("/parts"),
    "with a span of its own": Asked("/worked"),
    "that its handler describes": Asked("/described"),
    "refused before it was routed": Asked("/accounts/7", headers={"x-refuse": "503"}),
    "shed before it was routed": Asked("/v1/items/7/parts/8", headers={"x-refuse": "429"}),
    "cut before it was routed": Asked("/accounts/7", headers={"x-refuse": "cut"}),
    "abandoned": Asked("/slow", headers={"x-abandon": "yes"}),
    "from a browser": Asked(
        "/accounts/7", headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "host": "food.example:8080"}
    ),
    "from a robot": Asked("/accounts/7", headers={"user-agent": "Googlebot/2.1"}),
    "from somebody with an umlaut": Asked("/accounts/7", headers={"user-agent": "Küche/1"}),
    "of a caller": Asked("/accounts/7", headers=from_caller("01")),
    "of a caller whose trace id is random": Asked("/accounts/7", headers=from_caller("03")),
    "of a caller that does not record": Asked("/accounts/7", headers=from_caller("00")),
    "of a caller that does not record, with a bug": Asked("/bug", headers=from_caller("02")),
    "of a caller with state": Asked("/accounts/7", headers=from_caller("01", tracestate="a=1,b=2")),
    "of a caller that cannot be read": Asked("/accounts/7", headers={"traceparent": "00-zero-zero-01"}),
    "of a journey": Asked("/accounts/7", headers=from_caller("01", baggage="firebreak.journey=order,firebreak.run=r-9")),
    "of a journey without a caller": Asked("/accounts/7", headers={"baggage": "firebreak.journey=order"}),
    "with strangers' baggage": Asked("/accounts/7", headers={"baggage": "user=ann, firebreak.journey=a b"}),
    "over HTTP/1.0 on port 80": Asked("/accounts/7", scope={"http_version": "1.0", "server": ("10.0.0.1", 80)}),
    "over TLS": Asked("/accounts/7", scope={"scheme": "https"}),
    "over a Unix socket": Asked("/accounts/7", scope={"client": None, "server": ("/run/app.sock", None)}),
    "with a body": Asked("/accounts", method="POST", body=b'{"number": 7}', headers={"content-type": "application/json"}),
    "of the platform": Asked("/health/ready"),
    "of the platform over a Unix socket": Asked(
        "/health/ready", headers={"host": "app"}, scope={"client": None, "server": ("/run/app.sock", None)}
    ),
    "that only looks like the platform's": Asked("/health-food"),
}


async def spans_of(path: TracePath | None, asked: Asked) -> list[dict[str, object]]:
    """What a request leaves behind on `path`, with nothing in it that differs from time to time; None: by the library alone."""
    exporter = InMemorySpanExporter()
    resource = Resource({names.ATTR_RUN: "r-1"})
    provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = application(provider.get_tracer("test"))
    if path:
        observe_requests(app, provider, path, Metrics())
    else:
        by_the_library_alone(app, provider)
    task = asyncio.create_task(send_to(app, asked))
    if "x-abandon" in asked.headers:
        await app.state.waits.wait()
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    ended = exporter.get_finished_spans()
    known = {span.context.span_id: span.name for span in ended if span.context}
    return [plain(span, known) for span in ended]


def by_the_library_alone(app: FastAPI, provider: TracerProvider) -> None:
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, excluded_urls=rf"^[a-z]+://[^/]+/{OF_PLATFORM}", exclude_spans=["receive", "send"]
    )


def plain(span: ReadableSpan, known: dict[int, str]) -> dict[str, object]:
    assert span.context is not None
    # The instrumentation tells an exception that comes after the answer began twice; once is enough.
    events = list(dict.fromkeys((event.name, *sorted(event.attributes or {})) for event in span.events))
    followed = span.parent is not None and span.context.trace_id == span.parent.trace_id
    return {
        "name": span.name,
        "kind": span.kind,
        "attributes": dict(span.attributes or {}),
        "status": (span.status.status_code, span.status.description),
        "events": events,
        "parent": span.parent and (known.get(span.parent.span_id) or f"{span.parent.span_id:016x}", span.parent.is_remote),
        "trace": (followed, f"{span.context.trace_flags:02x}", span.context.trace_state.to_header()),
    }


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
async def test_both_paths_make_equal_spans_of_a_request(asked: Asked) -> None:
    lean, default = await spans_of(TracePath.LEAN, asked), await spans_of(TracePath.DEFAULT, asked)
    assert lean == default


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
async def test_the_spans_of_the_default_path_are_the_library_s_and_tell_of_baggage_besides(asked: Asked) -> None:
    ours = await spans_of(TracePath.DEFAULT, asked)
    for span in ours:
        for told in CARRIED:
            span["attributes"].pop(told, None)  # type: ignore[attr-defined]
    assert ours == await spans_of(None, asked)


class Seeing:
    """Middleware that was added last, and so stands outside of all others."""

    def __init__(self, app: App, seen: list[object]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        self._seen.append((request.app, request.headers.get("x-kept")))
        await self._app(scope, receive, send)


async def test_a_span_around_an_untraced_request_is_told_nothing_of_it() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = application(provider.get_tracer("test"))
    observe_requests(app, provider, TracePath.DEFAULT, Metrics())
    with provider.get_tracer("test").start_as_current_span("around"):
        await send_to(app, Asked("/health/ready"))
    assert [span.name for span in exporter.get_finished_spans()] == ["around"]


async def test_what_is_kept_from_the_library_is_kept_from_nobody_else() -> None:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    seen: list[object] = []

    @app.get("/{anything:path}")
    async def show(request: Request) -> None:
        seen.append((request.app, request.headers.get("x-kept")))

    observe_requests(app, TracerProvider(shutdown_on_exit=False), TracePath.DEFAULT, Metrics())
    app.add_middleware(Seeing, seen=seen)
    for path in ("/", "/health/ready"):
        await send_to(app, Asked(path, headers={"x-kept": "seven"}))
    assert seen == [(app, "seven")] * 4


async def test_the_table_shows_something() -> None:
    found = [await spans_of(TracePath.LEAN, asked) for asked in REQUESTS.values()]
    assert sum(len(spans) == 0 for spans in found) == 4, "unsampled twice, and the platform's questions"
    statuses = {span["attributes"].get("http.response.status_code") for spans in found for span in spans}  # type: ignore[attr-defined]
    assert statuses == {None, 200, 307, 404, 405, 409, 422, 429, 500, 502, 503}
