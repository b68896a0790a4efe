"""Spans as the bytes of an OTLP request, from the plain form in which services hand them over (wire.py).

The library's encoder makes two messages of each attribute of each span, which is most of its work; what a span's attributes say
was nearly always written a moment ago, and is at hand here as bytes. Tests hold both to the same bytes.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Protocol, TypeVar, cast

from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1.trace_pb2 import SpanFlags
from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import AnyValue

from observability.exporter.wire import PlainContext, PlainSpan
from observability.store.sealed import read_traces

_KEPT_ATTRIBUTES: Final = 4_096  # Some 1 MiB: what the spans of ten services have in common ...
_KEPT_LENGTH: Final = 128  # ... if no text among it is longer than that.

_log = logging.getLogger(__name__)
_Made_co = TypeVar("_Made_co", covariant=True)


class _Messages(Protocol[_Made_co]):
    """Messages of a field that may repeat."""

    def add(self, **fields: object) -> _Made_co:
        """One more, with such fields."""
        ...


class _Scope(Protocol):
    spans: _Messages[object]


class _Sender(Protocol):
    scope_spans: _Messages[_Scope]


class _Request(Protocol):
    """An ExportTraceServiceRequest, in which each attribute of a span is a KeyValue as bytes."""

    resource_spans: _Messages[_Sender]

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's.
        """The message as bytes."""
        ...


def encode(packets: Sequence[tuple[Resource, Sequence[PlainSpan]]]) -> bytes:
    """Spans of several senders as an ExportTraceServiceRequest."""
    request = cast("_Request", read_traces(b""))
    senders: dict[int, _Sender] = {}
    scopes: dict[tuple[int, str, str | None, str], _Scope] = {}
    for resource, spans in packets:
        sender = id(resource)
        if sender not in senders:
            senders[sender] = request.resource_spans.add(resource=_resource(resource), schema_url=resource.schema_url)
        for span in spans:
            name, version, schema_url = span[-1]
            key = (sender, name, version, schema_url or "")
            if key not in scopes:
                made = common_pb2.InstrumentationScope(name=name, version=version or "")
                scopes[key] = senders[sender].scope_spans.add(scope=made, schema_url=schema_url)
            _add(scopes[key], span)
    return request.SerializeToString()


def _add(scope: _Scope, span: PlainSpan) -> None:
    name, kind, context, parent, start_ns, end_ns, attributes, (code, description), events, links, _ = span
    trace_id, span_id, _, state, _ = context
    scope.spans.add(
        trace_id=trace_id.to_bytes(16, "big"),
        span_id=span_id.to_bytes(8, "big"),
        trace_state=state,
        parent_span_id=parent[1].to_bytes(8, "big") if parent else b"",
        name=name,
        kind=kind + 1,  # The SDK has no UNSPECIFIED, which OTLP begins with.
        start_time_unix_nano=start_ns,
        end_time_unix_nano=end_ns,
        attributes=_sealed(attributes),
        events=[{"name": event, "time_unix_nano": at_ns, "attributes": _sealed(its)} for event, at_ns, its in events],
        links=[_link(linked, its) for linked, its in links],
        status={"code": code, "message": description},
        flags=_flags(parent),
    )


def _link(context: PlainContext, attributes: Mapping[str, AnyValue]) -> dict[str, object]:
    ids = {"trace_id": context[0].to_bytes(16, "big"), "span_id": context[1].to_bytes(8, "big")}
    return {**ids, "attributes": _key_values(attributes), "flags": _flags(context)}


def _flags(context: PlainContext | None) -> int:
    is_remote = context is not None and context[4]
    known = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
    return known | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK if is_remote else known


def _resource(resource: Resource) -> resource_pb2.Resource:
    return resource_pb2.Resource(attributes=_key_values(resource.attributes))


def _key_values(attributes: Mapping[str, AnyValue]) -> list[common_pb2.KeyValue]:
    return [common_pb2.KeyValue.FromString(attribute) for attribute in _sealed(attributes)]


def _sealed(attributes: Mapping[str, AnyValue]) -> list[bytes]:
    """KeyValues as bytes, without those that OTLP cannot have, such as integers of more than 64 bits."""
    sealed = []
    for key, value in attributes.items():
        try:
            # Of what is kept, values that are equal are written alike: 0.0 and -0.0 are not, nor are 1 and True in a list.
            is_kept = len(value) <= _KEPT_LENGTH if isinstance(value, str) else isinstance(value, int)
            sealed.append((_kept_attribute if is_kept else _attribute)(key, value))
        except (TypeError, ValueError) as error:
            _log.warning("the attribute %s cannot be encoded: %s", key, error)
    return sealed


def _attribute(key: str, value: AnyValue) -> bytes:
    return bytes(common_pb2.KeyValue(key=key, value=_value(value)).SerializeToString())


_kept_attribute: Final = lru_cache(maxsize=_KEPT_ATTRIBUTES, typed=True)(_attribute)


def _value(value: AnyValue) -> common_pb2.AnyValue:
    """Raises TypeError or ValueError for what OTLP cannot have."""
    match value:
        case None:
            return common_pb2.AnyValue()
        case bool():
            return common_pb2.AnyValue(bool_value=value)
        case str():
            return common_pb2.AnyValue(string_value=value)
        case int():
            return common_pb2.AnyValue(int_value=value)
        case float():
            return common_pb2.AnyValue(double_value=value)
        case bytes():
            return common_pb2.AnyValue(bytes_value=value)
        case Mapping():
            values = [common_pb2.KeyValue(key=str(key), value=_value(each)) for key, each in value.items()]
            return common_pb2.AnyValue(kvlist_value=common_pb2.KeyValueList(values=values))
        case Sequence():
            return common_pb2.AnyValue(array_value=common_pb2.ArrayValue(values=[_value(each) for each in value]))
        case _:
            raise TypeError(f"a value of the type {type(value).__name__}")
