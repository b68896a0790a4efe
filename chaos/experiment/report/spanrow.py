"""One span of a waterfall: its bar, its outcome and its events, in words and in per cent of the axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.experiment.report.charts import per_cent
from chaos.experiment.report.formats import clip, milliseconds
from chaos.experiment.report.jaeger import Log, Span, Trace
from observability import names

MAX_EVENTS = 8
MAX_DEPTH = 8
_TOO_CLOSE = 2.5
"""Per cent of the axis below which two marks would cover each other."""
_ASIDE_PX = 13
_OURS = "firebreak."
_EVENT_KINDS = {
    names.EVENT_FALLBACK: "fallback",
    names.EVENT_BREAKER: "breaker",
    names.EVENT_REJECTED: "rejected",
    names.EVENT_RETRY: "retry",
    names.EVENT_RETRY_DENIED: "retry",
    names.EVENT_CHAOS: "chaos",
}


@dataclass(frozen=True)
class TraceAxis:
    """Time across a waterfall, in microseconds of Unix time."""

    start_us: int
    end_us: int

    @property
    def length_ms(self) -> float:
        """How long the axis is."""
        return (self.end_us - self.start_us) / 1_000

    def at(self, moment_us: int) -> float:
        """Per cent of the axis; a moment outside lies on its end."""
        return per_cent(moment_us - self.start_us, self.end_us - self.start_us)


@dataclass(frozen=True)
class SpanEvent:
    """Something that happened during a span; `kind` names its shape, `at` is per cent of the axis."""

    name: str
    kind: str
    at: float
    aside_px: int
    at_text: str
    detail: str


@dataclass(frozen=True)
class SpanRow:
    """One span; `x` and `width` are per cent of the axis. One that began after the answer says when, instead of a bar."""

    service: str
    hue: int
    name: str
    edge: str
    depth: int
    x: float
    width: float
    duration: str
    status: str
    failed: bool
    degraded: bool
    events: tuple[SpanEvent, ...]
    later: str


def span_row(trace: Trace, span: Span, depth: int, axis: TraceAxis, hues: Mapping[str, int]) -> SpanRow:
    """The row of `span`, `depth` calls below the customer."""
    service = trace.service(span)
    x = axis.at(span.start_us)
    after_us = span.start_us - axis.end_us
    return SpanRow(
        service=clip(service, 40),
        hue=hues[service],
        name=clip(span.operation_name, 80),
        edge=_edge(span),
        depth=min(depth, MAX_DEPTH),
        x=x,
        width=round(axis.at(span.end_us) - x, 3),
        duration=milliseconds(span.duration_us / 1_000),
        status=_status(span),
        failed=_failed(span),
        degraded=span.tag(names.ATTR_DEGRADED) in (True, "true"),
        events=_events(span.logs[:MAX_EVENTS], axis),
        later=f"{milliseconds(after_us / 1_000)} after the answer" if after_us > 0 else "",
    )


def _edge(span: Span) -> str:
    edge = span.tag(names.ATTR_EDGE)
    if edge is None:
        return ""
    again = span.tag(names.ATTR_RESEND_COUNT)
    attempt = f", attempt {again + 1}" if isinstance(again, int) and again > 0 else ""
    return clip(f"{edge}{attempt}", 80)


def _status(span: Span) -> str:
    """The HTTP status and the kind of error, once when they say the same."""
    found = (span.tag(names.ATTR_STATUS), span.tag(names.ATTR_ERROR_TYPE))
    return clip(" ".join(dict.fromkeys(str(value) for value in found if value is not None)), 60)


def _failed(span: Span) -> bool:
    """OpenTelemetry's status as Jaeger shows it: the tag `error`, or `otel.status_code`."""
    return span.tag("error") in (True, "true") or span.tag("otel.status_code") == "ERROR"


def _events(logs: Sequence[Log], axis: TraceAxis) -> tuple[SpanEvent, ...]:
    """Events in order; one that would cover its predecessor stands aside of it."""
    found: list[SpanEvent] = []
    for log in logs:
        event = _event(log, axis, 0)
        if found and event.at - found[-1].at < _TOO_CLOSE:
            event = _event(log, axis, found[-1].aside_px + _ASIDE_PX)
        found.append(event)
    return tuple(found)


def _event(log: Log, axis: TraceAxis, aside_px: int) -> SpanEvent:
    name = str(next((field.value for field in log.fields if field.key == "event"), "event"))
    details = (
        f"{field.key.removeprefix(_OURS)}={field.value}"
        for field in log.fields
        if field.key not in ("event", "exception.stacktrace")
    )
    return SpanEvent(
        name=clip(name, 60),
        kind=_EVENT_KINDS.get(name, "other"),
        at=axis.at(log.at_us),
        aside_px=aside_px,
        at_text=milliseconds((log.at_us - axis.start_us) / 1_000),
        detail=clip(", ".join(details), 160),
    )
