"""Which traces are recorded of those that strangers begin."""

import random

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from observability.tracing import tracer_provider

MANY = 2_000


def recorded(ratio: float, trace_ids: list[int], *, wanted: bool) -> list[bool]:
    """Of requests that strangers want recorded, or do not."""
    tracer = tracer_provider(Resource({}), ratio, None, strangers=True).get_tracer("test")
    flags = TraceFlags(TraceFlags.SAMPLED if wanted else TraceFlags.DEFAULT)
    callers = (
        set_span_in_context(NonRecordingSpan(SpanContext(each, 1, is_remote=True, trace_flags=flags))) for each in trace_ids
    )
    return [tracer.start_span("request", caller).is_recording() for caller in callers]


@pytest.fixture
def trace_ids() -> list[int]:
    rng = random.Random(7)
    return [rng.getrandbits(128) for _ in range(MANY)]


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5])
def test_the_ratio_holds_for_strangers_who_want_every_trace_recorded(ratio: float, trace_ids: list[int]) -> None:
    assert sum(recorded(ratio, trace_ids, wanted=True)) == pytest.approx(ratio * MANY, abs=0.03 * MANY)


def test_at_the_ratio_of_one_all_of_theirs_are_recorded(trace_ids: list[int]) -> None:
    assert all(recorded(1.0, trace_ids, wanted=True))


@pytest.mark.parametrize("ratio", [0.1, 1.0])
def test_what_a_stranger_does_not_want_recorded_is_not(ratio: float, trace_ids: list[int]) -> None:
    assert not any(recorded(ratio, trace_ids, wanted=False))


def test_two_replicas_record_the_same_traces(trace_ids: list[int]) -> None:
    assert recorded(0.1, trace_ids, wanted=True) == recorded(0.1, trace_ids, wanted=True)
