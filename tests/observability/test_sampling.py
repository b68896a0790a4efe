"""Every trace is recorded as the library would: our sampler differs from its own in nothing but time."""

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState, set_span_in_context

from observability.sampling import EveryTrace, sampler


def under(flags: int, *, is_remote: bool, state: TraceState | None = None, trace_id: int = 7) -> Context:
    context = SpanContext(trace_id, 9, is_remote, TraceFlags(flags), state)
    return set_span_in_context(NonRecordingSpan(context), Context())


PARENTS = {
    "none": Context(),
    "the current span": None,
    "invalid": under(1, is_remote=True, trace_id=0),
    **{
        f"{place} with flags {flags}": under(flags, is_remote=place == "remote", state=TraceState([("a", "1")]))
        for place in ("remote", "local")
        for flags in (0, 1, 2, 3)
    },
}


def told(result: SamplingResult) -> tuple[object, ...]:
    return result.decision, dict(result.attributes), dict(result.trace_state or {})


def asked(who: Sampler, parent: Context | None, attributes: dict[str, str] | None) -> SamplingResult:
    return who.should_sample(parent, 7, "work", SpanKind.SERVER, attributes, ())


@pytest.mark.parametrize("attributes", [None, {"a": "1"}], ids=str)
@pytest.mark.parametrize("parent", PARENTS.values(), ids=PARENTS)
def test_every_trace_is_what_the_library_records(parent: Context | None, attributes: dict[str, str] | None) -> None:
    assert told(asked(EveryTrace(), parent, attributes)) == told(asked(ParentBased(ALWAYS_ON), parent, attributes))


@pytest.mark.parametrize("strangers", [False, True])
@pytest.mark.parametrize("parent", PARENTS.values(), ids=PARENTS)
def test_a_share_of_traces_is_what_the_library_records_of_it(*, parent: Context | None, strangers: bool) -> None:
    share = TraceIdRatioBased(0.1)
    library = ParentBased(share, remote_parent_sampled=share if strangers else ALWAYS_ON)
    ids = [n << 56 for n in range(1, 256, 5)]
    ours = [told(sampler(0.1, strangers=strangers).should_sample(parent, trace_id, "work")) for trace_id in ids]
    assert ours == [told(library.should_sample(parent, trace_id, "work")) for trace_id in ids]


@pytest.mark.parametrize(("strangers", "is_followed"), [(False, True), (True, False)])
def test_a_share_of_strangers_traces_is_recorded_even_if_they_want_all(*, strangers: bool, is_followed: bool) -> None:
    found = asked(sampler(0.0, strangers=strangers), under(1, is_remote=True), None)
    assert (found.decision is Decision.RECORD_AND_SAMPLE) is is_followed


@pytest.mark.parametrize("strangers", [False, True])
def test_of_all_traces_none_is_left_out(*, strangers: bool) -> None:
    found = asked(sampler(1.0, strangers=strangers), under(1, is_remote=True), None)
    assert found.decision is Decision.RECORD_AND_SAMPLE
