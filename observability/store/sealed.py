"""OTLP's messages of spans with parts left sealed, as the bytes that they are written as: most of them pass through unread.

Protobuf writes a message inside of another like bytes, behind its length. So a field that holds messages can be read as one that
holds bytes, and what is in it costs nothing until somebody opens it. But for the types of those fields these are the messages of
`opentelemetry.proto.trace.v1`.
"""

from collections.abc import Callable, Collection, Iterable, MutableSequence, Sequence
from typing import Final, Protocol, cast

from google.protobuf import descriptor_pool, message_factory  # type: ignore[import-untyped]  # protobuf ships no types.
from google.protobuf.descriptor_pb2 import (  # type: ignore[import-untyped]  # Likewise.
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import Message  # type: ignore[import-untyped]  # Likewise.
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2


class SealedEvent(Protocol):
    """An event of a span; each attribute is a KeyValue as bytes."""

    name: str
    time_unix_nano: int
    attributes: Sequence[bytes]


class SealedSpan(Protocol):
    """A span; each attribute is a KeyValue as bytes."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    trace_state: str
    flags: int
    name: str
    kind: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: Sequence[bytes]
    events: Sequence[SealedEvent]
    links: Sequence[trace_pb2.Span.Link]
    status: trace_pb2.Status

    def ByteSize(self) -> int:  # noqa: N802 - protobuf's.
        """How long it is as bytes."""
        ...


class SealedScope(Protocol):
    """Spans of one instrumentation."""

    scope: InstrumentationScope
    spans: MutableSequence[SealedSpan]


class SealedSpans(Protocol):
    """A ResourceSpans: spans of one sender."""

    resource: Resource
    scope_spans: Sequence[SealedScope]

    def ByteSize(self) -> int:  # noqa: N802 - protobuf's.
        """How long it is as bytes."""
        ...

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's.
        """The message as bytes."""
        ...


class SealedTraces(Protocol):
    """What is uploaded."""

    resource_spans: Sequence[SealedSpans]


class ClosedScope(Protocol):
    """Spans of one instrumentation, each a Span as bytes."""

    scope: InstrumentationScope
    spans: Sequence[bytes]


class ClosedSpans(Protocol):
    """A ResourceSpans that is closed but for its scopes: its sender is a Resource as bytes."""

    resource: bytes
    scope_spans: Sequence[ClosedScope]


class MergedSpan(Protocol):
    """What several spans have, as if one had it all: of a field that there is one of it has some span's, empty if all are."""

    attributes: Sequence[bytes]
    events: Sequence[SealedEvent]
    links: Sequence[trace_pb2.Span.Link]
    trace_state: str
    status: trace_pb2.Status


class MergedScope(Protocol):
    """Several scopes as one."""

    spans: MergedSpan


class MergedSpans(Protocol):
    """A ResourceSpans whose scopes and spans are one."""

    scope_spans: MergedScope


class _Copy:
    """The library's messages under a package of our own, in which each of `sealed` (Message.field) holds bytes.

    Of each of `merged` there is one instead of many: protobuf adds up the messages that stand where it expects one.
    """

    def __init__(self, package: str, *sealed: str, merged: Collection[str] = ()) -> None:
        file = FileDescriptorProto()
        trace_pb2.DESCRIPTOR.CopyToProto(file)
        self._library, self._package, self._sealed, self._merged = f".{file.package}.", package, sealed, merged
        file.package, file.name = package, package
        for message in file.message_type:
            self._seal(message)
        descriptor_pool.Default().Add(file)

    def reader(self, message: str) -> Callable[[bytes], object]:
        """Reads one kind of message. It raises DecodeError."""
        return cast("Callable[[bytes], object]", self.kind(message).FromString)

    def kind(self, message: str) -> type[Message]:
        """One kind of message."""
        return cast(
            "type[Message]",
            message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(f"{self._package}.{message}")),
        )

    def _seal(self, message: DescriptorProto) -> None:
        for field in message.field:
            if f"{message.name}.{field.name}" in self._merged:
                field.label = FieldDescriptorProto.LABEL_OPTIONAL
            if f"{message.name}.{field.name}" in self._sealed:
                field.type = FieldDescriptorProto.TYPE_BYTES
                field.ClearField("type_name")
            elif field.type_name.startswith(self._library):
                field.type_name = field.type_name.replace(self._library, f".{self._package}.", 1)
        for nested in message.nested_type:
            self._seal(nested)


_SEALED: Final = _Copy("firebreak.sealed", "Span.attributes", "Event.attributes")
_CLOSED: Final = _Copy("firebreak.closed", "ResourceSpans.resource", "ScopeSpans.spans")
_MERGED: Final = _Copy(
    "firebreak.merged", "Span.attributes", "Event.attributes", merged=("ResourceSpans.scope_spans", "ScopeSpans.spans")
)

read_traces = cast("Callable[[bytes], SealedTraces]", _SEALED.reader("TracesData"))
"""Reads an upload; TracesData has the fields of an ExportTraceServiceRequest. Raises DecodeError."""

read_spans = cast("Callable[[bytes], SealedSpans]", _SEALED.reader("ResourceSpans"))
"""Reads the spans of one sender. Raises DecodeError."""

read_span = cast("Callable[[bytes], SealedSpan]", _SEALED.reader("Span"))
"""Reads one span. Raises DecodeError."""

read_closed = cast("Callable[[bytes], ClosedSpans]", _CLOSED.reader("ResourceSpans"))
"""Reads the spans of one sender, and opens none. Raises DecodeError."""

read_merged = cast("Callable[[bytes], MergedSpans]", _MERGED.reader("ResourceSpans"))
"""Reads the spans of one sender as one span: to ask each for its attributes takes twice as long. Raises DecodeError."""

_Event: Final = _SEALED.kind("Span.Event")


def are_as_written_here(attributes: Iterable[bytes]) -> bool:
    """Whether KeyValues are the bytes that this process would write. Nearly always they are.

    Protobuf allows other spellings, such as a value before its key. All are read at once, as if they were one event's.
    Raises DecodeError.
    """
    sealed = _Event(attributes=attributes).SerializeToString()
    return bool(trace_pb2.Span.Event.FromString(sealed).SerializeToString() == sealed)
