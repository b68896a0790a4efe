"""Which traces are recorded."""

from collections.abc import Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

_ROOT: Final = SamplingResult(Decision.RECORD_AND_SAMPLE)
"""Of every trace that begins here: nothing in it can change."""


def sampler(ratio: float, *, strangers: bool) -> Sampler:
    """Follows a caller's decision, and where there is none records `ratio` of the traces.

    With `strangers` callers are from outside: who wants every trace recorded does not decide what that costs, so the ratio is of
    theirs as well. A caller of the system itself has decided already, and is followed.
    """
    if ratio >= 1:
        return EveryTrace()
    share = TraceIdRatioBased(ratio)
    return ParentBased(share, remote_parent_sampled=share if strangers else ALWAYS_ON)


class EveryTrace(Sampler):
    """The library's `ParentBased(ALWAYS_ON)`, for half of its time a span: it looks for the parent once, and not three times."""

    def should_sample(  # noqa: D102 - the library's.
        self,
        parent_context: Context | None,
        trace_id: int,  # noqa: ARG002 - the library's.
        name: str,  # noqa: ARG002
        kind: SpanKind | None = None,  # noqa: ARG002
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002
        trace_state: TraceState | None = None,  # noqa: ARG002
    ) -> SamplingResult:
        parent = get_current_span(parent_context).get_span_context()
        if not parent.is_valid:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes) if attributes else _ROOT
        if not parent.trace_flags.sampled:
            return SamplingResult(Decision.DROP, None, parent.trace_state)
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, parent.trace_state)

    def get_description(self) -> str:  # noqa: D102 - the library's.
        return "EveryTrace"
