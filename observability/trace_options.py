"""How a process is told to trace. Imports nothing, as whoever reads settings needs it."""

from dataclasses import dataclass, field
from enum import StrEnum


class TracePath(StrEnum):
    """Who makes the server span of a request."""

    DEFAULT = "default"
    """opentelemetry-instrumentation-fastapi, tuned."""
    LEAN = "lean"
    """A small middleware of ours; the spans are the same."""


@dataclass(frozen=True)
class TraceOptions:
    """How a process traces.

    Attributes:
        path: Who makes server spans.
        ratio: The share, 0 to 1, of traces that are recorded of those that begin here; all others follow their caller.
        strangers: Callers are from outside the system, and the ratio is of the traces that they want recorded as well.
        exporter: Path of the exporter process's socket; empty: a thread of the process exports.
    """

    path: TracePath = TracePath.DEFAULT
    ratio: float = 1.0
    exporter: str = ""
    strangers: bool = field(default=False, kw_only=True)
