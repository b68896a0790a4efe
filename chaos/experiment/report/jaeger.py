"""Reads a trace in the envelope of Jaeger's legacy query API, as an arm's folder keeps it.

Only what the waterfall draws is read; everything else in the file is ignored.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_FILE_BYTES = 8_000_000


class TraceError(Exception):
    """There is no trace to draw; the text says why, for people."""


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Tag(_Read):
    """A key and its value, whatever its type."""

    key: str
    value: str | bool | int | float | None = None


class Log(_Read):
    """A span event: `event` among its fields is its name."""

    at_us: int = Field(alias="timestamp", description="Unix time, microseconds")
    fields: tuple[Tag, ...] = ()


class Reference(_Read):
    """A link to another span; CHILD_OF is the parent."""

    ref_type: str = Field(default="CHILD_OF", alias="refType")
    span_id: str = Field(alias="spanID")


class Span(_Read):
    """One operation."""

    span_id: str = Field(alias="spanID")
    operation_name: str = Field(alias="operationName")
    start_us: int = Field(alias="startTime")
    duration_us: int = Field(ge=0, alias="duration")
    references: tuple[Reference, ...] = ()
    tags: tuple[Tag, ...] = ()
    logs: tuple[Log, ...] = ()
    process_id: str = Field(default="", alias="processID")

    @property
    def end_us(self) -> int:
        """Unix time of its end, microseconds."""
        return self.start_us + self.duration_us

    @property
    def parent(self) -> str | None:
        """The span it is a child of."""
        return next((reference.span_id for reference in self.references if reference.ref_type == "CHILD_OF"), None)

    def tag(self, key: str) -> str | bool | int | float | None:
        """A tag's value; None when it has none."""
        return next((tag.value for tag in self.tags if tag.key == key), None)


class Process(_Read):
    """Who made a span."""

    service_name: str = Field(alias="serviceName")


class Trace(_Read):
    """Spans and who made them."""

    trace_id: str = Field(alias="traceID")
    spans: tuple[Span, ...] = Field(min_length=1)
    processes: dict[str, Process] = Field(default_factory=dict)

    def service(self, span: Span) -> str:
        """Name of the service that made `span`."""
        process = self.processes.get(span.process_id)
        return process.service_name if process else "unknown"


class _Envelope(_Read):
    data: tuple[Trace, ...] = Field(min_length=1)


def read_trace(path: Path) -> Trace:
    """The first trace in the file. Raises TraceError naming the file when it holds none that can be drawn."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise TraceError(f"{path.name} is larger than {MAX_FILE_BYTES // 1_000_000} MB and is not drawn")
        return _Envelope.model_validate_json(path.read_bytes()).data[0]
    except OSError as error:
        raise TraceError(f"{path.name} of this arm could not be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise TraceError(f"{path.name} of this arm is no trace of Jaeger's API: {where}: {first['msg']}") from None
