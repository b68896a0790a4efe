"""The lean path's span of a request, and its time: when they end, what they hold, and what of the unusual they tell."""

import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from observability import names
from observability.asgi import Receive, Scope, Send
from observability.metrics import Metrics
from observability.propagation import carry_known_baggage
from observability.trace_options import TracePath
from observability.tracing import observe_requests
from tests.observability.asked import TRACE, Asked, from_caller, send_to
from tests.observability.conftest import KeptSpans


@pytest.fixture(autouse=True)
def _propagation() -> None:
    """As create_telemetry does."""
    carry_known_baggage()


async def test_an_unsampled_request_is_still_known_by_its_trace_to_those_it_calls() -> None:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    seen: list[str] = []

    @app.get("/")
    async def show() -> None:
        context = trace.get_current_span().get_span_context()
        seen.append(f"{context.trace_id:032x}-{context.trace_flags:02x}")

    provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
    observe_requests(app, provider, TracePath.LEAN, Metrics())
    await send_to(app, Asked("/", headers=from_caller("00")))
    assert seen == [f"{TRACE}-00"]


async def test_a_span_lasts_until_the_last_byte_of_the_answer_and_no_longer(kept: KeptSpans) -> None:
    ended: list[int] = []

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        ended.append(len(kept.ended))
        await send({"type": "http.response.body", "body": b"b"})
        ended.append(len(kept.ended))

    app = FastAPI()
    app.build_middleware_stack = lambda: answers  # type: ignore[method-assign]
    observe_requests(app, kept.provider, TracePath.LEAN, Metrics())
    await send_to(app, Asked("/"))
    assert ended == [0, 1]


async def test_a_span_whose_handler_fills_it_holds_as_many_attributes_as_it_may_and_tells_of_the_request(kept: KeptSpans) -> None:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/")
    async def describe() -> None:
        trace.get_current_span().set_attributes({f"number.{n}": n for n in range(125)})

    observe_requests(app, kept.provider, TracePath.LEAN, Metrics())
    await send_to(app, Asked("/"))
    [span] = kept.ended
    assert span.attributes is not None
    assert len(span.attributes) == SpanLimits().max_span_attributes
    assert (span.attributes["http.route"], span.attributes["http.response.status_code"]) == ("/", 200)


async def test_an_error_that_nobody_answers_is_timed_as_the_500_that_the_server_makes_of_it() -> None:
    async def bug(*_connection: object) -> None:
        raise RuntimeError("a bug")

    app, metrics = FastAPI(), Metrics()
    app.build_middleware_stack = lambda: bug  # type: ignore[method-assign]
    observe_requests(app, TracerProvider(shutdown_on_exit=False), TracePath.LEAN, metrics)
    with pytest.raises(RuntimeError):
        await send_to(app, Asked("/"))
    labels = {names.LABEL_METHOD: "GET", names.LABEL_ROUTE: "none", names.LABEL_STATUS: "500"}
    assert metrics.registry.get_sample_value(f"{names.HTTP_SERVER_DURATION}_count", labels) == 1
    assert metrics.registry.get_sample_value(names.HTTP_SERVER_ACTIVE) == 0


async def test_what_a_handler_has_ended_itself_is_told_nothing_more(kept: KeptSpans) -> None:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/")
    async def end() -> None:
        trace.get_current_span().end()

    observe_requests(app, kept.provider, TracePath.LEAN, Metrics())
    await send_to(app, Asked("/"))
    [span] = kept.ended
    assert not span.attributes
