"""What services and the exporter process say to each other: who speaks, spans, and what became of them. One packet each.

To make a packet takes 5 microseconds a span, a third of it `marshal`'s; to encode it as OTLP takes more than 40. It is no
format for strangers: the socket is readable and writable for its owner alone, and both ends run the same Python.
"""

import marshal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.trace.span import DEFAULT_TRACE_STATE
from opentelemetry.util.types import AnyValue

MAX_PACKET_BYTES: Final = 160 * 1024
"""What one packet may hold; the kernel's usual bound of a socket's buffer is a little higher."""

_COPIES_ITSELF: Final = (MappingProxyType, BoundedAttributes)

Attributes = dict[str, AnyValue]
PlainContext = tuple[int, int, int, str, bool]
PlainSpan = tuple[
    str,
    int,
    PlainContext,
    PlainContext | None,
    int,
    int,
    Attributes,
    tuple[int, str | None],
    list[tuple[str, int, Attributes]],
    list[tuple[PlainContext, Attributes]],
    tuple[str, str | None, str | None],
]
"""Name, kind, context, parent, start, end, attributes, status, events, links and scope of a span."""


@dataclass(frozen=True)
class Outcome:
    """What became of spans that were handed over."""

    sent: int
    dropped: int


def pack_hello(resource: Resource) -> bytes:
    """The first packet: whose spans will follow."""
    return marshal.dumps((dict(resource.attributes), resource.schema_url))


def read_hello(packet: bytes) -> Resource:
    """Raises ValueError, EOFError or TypeError for what is no such packet."""
    attributes, schema_url = marshal.loads(packet)  # noqa: S302 - see above.
    return Resource(attributes, schema_url)


def pack_spans(spans: Sequence[ReadableSpan]) -> bytes:
    """Ended spans. Raises ValueError or TypeError when one of them has what no span may have."""
    try:
        return marshal.dumps([_plain(span, _copied) for span in spans])
    except ValueError:
        return marshal.dumps([_plain(span, _exact_attributes) for span in spans])


def read_spans(packet: bytes) -> list[PlainSpan]:
    """Raises ValueError, EOFError or TypeError for what is no such packet."""
    return list(marshal.loads(packet))  # noqa: S302 - see above.


def pack_outcome(outcome: Outcome) -> bytes:
    """The exporter's answer, once spans have left it."""
    return marshal.dumps((outcome.sent, outcome.dropped))


def read_outcome(packet: bytes) -> Outcome:
    """Raises ValueError, EOFError or TypeError for what is no such packet."""
    return Outcome(*marshal.loads(packet))  # noqa: S302 - see above.


def readable(span: PlainSpan, resource: Resource) -> ReadableSpan:
    """The span as the library's encoder takes it."""
    name, kind, context, parent, start_ns, end_ns, attributes, (code, description), events, links, scope = span
    return ReadableSpan(
        name=name,
        context=_context(context),
        parent=_context(parent) if parent else None,
        resource=resource,
        attributes=attributes,
        events=[Event(event, its, at_ns) for event, at_ns, its in events],
        links=[Link(_context(linked), its) for linked, its in links],
        kind=SpanKind(kind),
        status=Status(StatusCode(code), description),
        start_time=start_ns,
        end_time=end_ns,
        instrumentation_scope=_scope(*scope),
    )


def _plain(span: ReadableSpan, attributes_of: Callable[[Mapping[str, AnyValue] | None], Attributes]) -> PlainSpan:
    scope, status, parent = span.instrumentation_scope, span.status, span.parent
    description = status.description
    return (
        _text(span.name),
        span.kind._value_,
        _plain_context(span.context),
        _plain_context(parent) if parent else None,
        span.start_time or 0,
        span.end_time or 0,
        attributes_of(span.attributes),
        (status.status_code._value_, description and _text(description)),
        [(_text(event.name), event.timestamp, attributes_of(event.attributes)) for event in span.events],
        [(_plain_context(link.context), attributes_of(link.attributes)) for link in span.links],
        (scope.name, scope.version, scope.schema_url) if scope else ("", None, None),
    )


def _copied(attributes: Mapping[str, AnyValue] | None) -> Attributes:
    # Their own copy is a dictionary's, while to iterate over them is Python: five times as slow.
    if isinstance(attributes, _COPIES_ITSELF):
        return cast("Attributes", attributes.copy())
    return dict(attributes or {})


def _exact_attributes(attributes: Mapping[str, AnyValue] | None) -> Attributes:
    return {_text(key): _exact(value) for key, value in _copied(attributes).items()}


def _exact(value: AnyValue) -> AnyValue:
    """As the type itself: `marshal` takes no enumeration's member for the text or number that it is."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, Mapping):
        return _exact_attributes(value)
    return tuple(_exact(each) for each in value) if isinstance(value, Sequence) else value


def _text(value: str) -> str:
    """As UTF-8 can have it: half of a surrogate pair would spoil the batch for everybody whose spans are in it."""
    text = value if type(value) is str else str.__str__(value)
    return text if text.isascii() else text.encode(errors="replace").decode()


def _plain_context(context: SpanContext) -> PlainContext:
    trace_id, span_id, is_remote, flags, state, _is_valid = context  # The tuple that it is; each property takes a call.
    shown = "" if state is DEFAULT_TRACE_STATE else state.to_header()
    return (trace_id, span_id, int(flags), shown, is_remote)


def _context(plain: PlainContext) -> SpanContext:
    trace_id, span_id, flags, state, is_remote = plain
    return SpanContext(trace_id, span_id, is_remote, TraceFlags(flags), TraceState.from_header([state]) if state else None)


@lru_cache(maxsize=256)
def _scope(name: str, version: str | None, schema_url: str | None) -> InstrumentationScope:
    return InstrumentationScope(name, version, schema_url)


def spans_of(packets: Sequence[tuple[Resource, list[PlainSpan]]]) -> list[ReadableSpan]:
    """All spans of several packets, as the library's encoder takes them."""
    return [readable(span, resource) for resource, spans in packets for span in spans]
