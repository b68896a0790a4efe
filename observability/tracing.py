"""Traces: which of them are recorded, and the two ways to make the server span of a request."""

from collections.abc import Mapping

from fastapi import FastAPI
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider

from observability.instrumented_tracing import trace_by_instrumentation
from observability.lean_tracing import LeanTracing
from observability.metrics import Metrics
from observability.request_metrics import RequestMetrics, RequestTimes
from observability.sampling import sampler
from observability.server_span import MAX_ATTRIBUTE_CHARS
from observability.trace_options import TracePath


def tracer_provider(
    resource: Resource, ratio: float, exporting: SpanProcessor | None, *, strangers: bool = False
) -> TracerProvider:
    """A provider of its own, never the global one. Without `exporting` spans are made and dropped.

    Args:
        resource: Whose spans they are.
        ratio: The share of traces that are recorded, of those that it is for this process to decide about.
        exporting: Takes spans that have ended, and is the only one to do so: a list of processors takes six more calls a span.
        strangers: Callers are from outside, and do not decide what is recorded (observability.sampling).
    """
    return TracerProvider(
        resource=resource,
        sampler=sampler(ratio, strangers=strangers),
        span_limits=SpanLimits(max_span_attribute_length=MAX_ATTRIBUTE_CHARS),
        shutdown_on_exit=False,
        active_span_processor=exporting,  # type: ignore[arg-type]  # asks for a list of processors, and calls it as one
    )


def observe_requests(app: FastAPI, provider: TracerProvider, path: TracePath, metrics: Metrics) -> None:
    """One server span a request, and its time, outside of everything that has been added to `app`."""
    times = RequestTimes(metrics, app)
    if path is TracePath.LEAN:
        _trace_leanly(app, provider, times)
    else:
        app.add_middleware(RequestMetrics, times=times)
        trace_by_instrumentation(app, provider)


def _trace_leanly(app: FastAPI, provider: TracerProvider, times: RequestTimes) -> None:
    """Around error handling, as the instrumentation stands, so that an answer that an error makes is in the span too."""
    build = app.build_middleware_stack
    tracer = provider.get_tracer("firebreak")
    own: Mapping[str, object] = provider.resource.attributes
    app.build_middleware_stack = lambda: LeanTracing(build(), app, tracer, own, times)  # type: ignore[method-assign]
