"""Traces: which of them are recorded, and the two ways to make the server span of a request."""

from collections.abc import Mapping

from fastapi import FastAPI
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, TraceIdRatioBased

from observability.instrumented_tracing import trace_by_instrumentation
from observability.lean_tracing import LeanTracing
from observability.trace_options import TracePath

MAX_ATTRIBUTE_CHARS = 4_000
"""Of an attribute; what is longer is cut. Strangers choose paths, queries and user agents, and thousands of spans may wait."""


def tracer_provider(
    resource: Resource, ratio: float, exporting: SpanProcessor | None, *, strangers: bool = False
) -> TracerProvider:
    """A provider of its own, never the global one. Without `exporting` spans are made and dropped.

    Args:
        resource: Whose spans they are.
        ratio: The share of traces that are recorded, of those that it is for this process to decide about.
        exporting: Takes spans that have ended.
        strangers: Callers are from outside: who wants every trace recorded does not decide what that costs, so the ratio is of
            theirs as well. A caller of the system itself has decided already, and is followed.
    """
    share = ALWAYS_ON if ratio >= 1 else TraceIdRatioBased(ratio)
    sampler = ParentBased(share, remote_parent_sampled=share if strangers else ALWAYS_ON)
    limits = SpanLimits(max_span_attribute_length=MAX_ATTRIBUTE_CHARS)
    provider = TracerProvider(resource=resource, sampler=sampler, span_limits=limits, shutdown_on_exit=False)
    if exporting:
        provider.add_span_processor(exporting)
    return provider


def trace_requests(app: FastAPI, provider: TracerProvider, path: TracePath) -> None:
    """One server span a request, outside of everything that has been added to `app`."""
    if path is TracePath.LEAN:
        _trace_leanly(app, provider)
    else:
        trace_by_instrumentation(app, provider)


def _trace_leanly(app: FastAPI, provider: TracerProvider) -> None:
    """Around error handling, as the instrumentation stands, so that an answer that an error makes is in the span too."""
    build = app.build_middleware_stack
    tracer = provider.get_tracer("firebreak")
    own: Mapping[str, object] = provider.resource.attributes
    app.build_middleware_stack = lambda: LeanTracing(build(), app, tracer, own)  # type: ignore[method-assign]
