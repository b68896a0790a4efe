"""A trace as a waterfall: one row a span in the order of the calls, from the first request to the last answer."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.report.charts import Tick, per_cent
from chaos.experiment.report.formats import clip, milliseconds, seconds
from chaos.experiment.report.jaeger import Span, Trace, TraceError, read_trace
from chaos.experiment.report.marks import arm_label
from chaos.experiment.report.spanrow import SpanRow, TraceAxis, span_row
from chaos.experiment.result import ArmResult, TracePick

MAX_ROWS = 60
_HUES = 7
"""Services beyond the seventh share hues; their names stand beside the bar anyway."""
_MAX_STEPS = 5


@dataclass(frozen=True)
class Waterfall:
    """A degraded journey's trace or, in `missing`, the reason why there is none to show."""

    arm: str
    trace_id: str
    summary: str
    missing: str
    rows: tuple[SpanRow, ...]
    left_out: int
    ticks: tuple[Tick, ...]


def arm_waterfall(arm: ArmResult, run_folder: Path) -> Waterfall:
    """The trace that was picked in `arm`, read from its folder. What cannot be read is said, not raised."""
    if arm.trace is None:
        return Waterfall(arm_label(arm), "", "", "No degraded journey was traced in this arm.", (), 0, ())
    try:
        trace = read_trace(ExperimentFolder(run_folder).arm(arm.name).trace)
    except TraceError as error:
        return Waterfall(arm_label(arm), clip(arm.trace.trace_id, 64), "", str(error), (), 0, ())
    return waterfall(trace, arm_label(arm), _summary(arm, arm.trace))


def waterfall(trace: Trace, arm: str, summary: str) -> Waterfall:
    """Draws `trace`. At most MAX_ROWS spans are shown; `left_out` counts the others."""
    ordered = in_call_order(trace.spans)
    axis = answer_axis(trace, ordered)
    services = dict.fromkeys(trace.service(span) for span, _ in ordered)
    hues = {service: index % _HUES for index, service in enumerate(services)}
    return Waterfall(
        arm=arm,
        trace_id=clip(trace.trace_id, 64),
        summary=summary,
        missing="",
        rows=tuple(span_row(trace, span, depth, axis, hues) for span, depth in ordered[:MAX_ROWS]),
        left_out=max(len(ordered) - MAX_ROWS, 0),
        ticks=_ticks(axis),
    )


def in_call_order(spans: Sequence[Span]) -> tuple[tuple[Span, int], ...]:
    """Spans with their depth: depth first, siblings by start. A span whose parent is not in the trace is a root."""
    known = {span.span_id for span in spans}
    children: defaultdict[str | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start_us):
        children[span.parent if span.parent in known and span.parent != span.span_id else None].append(span)
    ordered: list[tuple[Span, int]] = []
    pending = [(span, 0) for span in reversed(children.pop(None, []))]
    while pending:
        span, depth = pending.pop()
        ordered.append((span, depth))
        pending += [(child, depth + 1) for child in reversed(children.pop(span.span_id, []))]
    # Spans that claim to be each other's children hang from no root.
    return (*ordered, *((span, 0) for circle in children.values() for span in circle))


def answer_axis(trace: Trace, ordered: Sequence[tuple[Span, int]]) -> TraceAxis:
    """From the first span to the end of the last root of the service that the customer reached.

    What an outbox delivers seconds later belongs to the trace too, but would squeeze the answer into a hairline.
    """
    roots = [span for span, depth in ordered if depth == 0]
    entry = trace.service(roots[0])
    end_us = max(span.end_us for span in roots if trace.service(span) == entry)
    return TraceAxis(roots[0].start_us, max(end_us, roots[0].start_us + 1))


def _summary(arm: ArmResult, pick: TracePick) -> str:
    when = ""
    if arm.fault and pick.intended_s >= arm.fault.applied_s:
        when = f" begun {seconds(pick.intended_s - arm.fault.applied_s)} after the fault was applied"
    return (
        f"A journey “{clip(pick.journey, 60)}”{when}, answered after {milliseconds(pick.elapsed_ms)}: "
        f"{pick.spans} spans of {len(pick.services)} services."
    )


def _ticks(axis: TraceAxis) -> tuple[Tick, ...]:
    """Round instants along the axis (steps of 1, 2 or 5 times a power of ten)."""
    least_ms = axis.length_ms / _MAX_STEPS
    decade_ms = 10.0 ** math.floor(math.log10(least_ms))
    step_ms = next(factor * decade_ms for factor in (1, 2, 5, 10) if factor * decade_ms >= least_ms)
    count = math.floor(axis.length_ms / step_ms)
    return tuple(Tick(per_cent(index * step_ms, axis.length_ms), milliseconds(index * step_ms)) for index in range(count + 1))
