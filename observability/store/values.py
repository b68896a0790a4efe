"""OTLP's attribute values as Jaeger shows them: typed, and flat."""

import base64
import json
import math
from functools import lru_cache
from typing import Final, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Plain = str | bool | int | float


class Tag(NamedTuple):
    """A typed key and value, and how an answer writes them."""

    key: str
    value: Plain
    json: str


_MAX_SAFE_INTEGER: Final = 2**53 - 1  # Beyond it a JavaScript reader loses digits, so Jaeger sends such integers as text.
_TYPES: Final = {"bool_value": "bool", "int_value": "int64", "double_value": "float64", "bytes_value": "binary"}
as_json: Final = json.JSONEncoder().encode
"""A value as JSON. `json.dumps` asks for its many options first, each time."""

_KEPT_TAGS: Final = 4_096  # Of each sort: what spans of some ten services have in common, in 2 MiB at most ...
_KEPT_LENGTH: Final = 128  # ... if none of them is longer than that.


def attribute_tag(attribute: bytes) -> Tag:
    """An OTLP attribute as a tag; lists and maps become JSON text, as in Jaeger's own translation."""
    return _kept_attribute(attribute) if len(attribute) <= _KEPT_LENGTH else _attribute_tag(attribute)


def string_tag(key: str, value: str) -> Tag:
    """A tag whose value is text."""
    return _kept_string(key, value) if len(key) + len(value) <= _KEPT_LENGTH else _tag(key, "string", value)


def _attribute_tag(attribute: bytes) -> Tag:
    read = KeyValue.FromString(attribute)
    kind = read.value.WhichOneof("value") or ""
    return _tag(read.key, _TYPES.get(kind, "string"), read.value.string_value if kind == "string_value" else plain(read.value))


def _tag(key: str, kind: str, value: Plain) -> Tag:
    return Tag(key, value, f'{{"key":{as_json(key)},"type":"{kind}","value":{as_json(value)}}}')


# Most tags of a trace have been shown a moment ago: the routes, methods and statuses of a few services.
_kept_attribute: Final = lru_cache(maxsize=_KEPT_TAGS)(_attribute_tag)
_kept_string: Final = lru_cache(maxsize=_KEPT_TAGS)(lambda key, value: _tag(key, "string", value))


def plain(value: AnyValue) -> Plain:
    """The value itself where JSON has it; bytes as base64, lists and maps as JSON text, numbers that JSON lacks as text."""
    nested = _nested(value)
    match nested:
        case str() | bool():
            return nested
        case int():
            return nested if abs(nested) <= _MAX_SAFE_INTEGER else str(nested)
        case float():
            return nested if math.isfinite(nested) else str(nested)
        case None:
            return ""
        case _:
            return json.dumps(nested, ensure_ascii=False)


def text(value: Plain) -> str:
    """How a value is written in a tag search: booleans as `true` and `false`, whole numbers without a point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _nested(value: AnyValue) -> object:
    match value.WhichOneof("value"):
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "array_value":
            return [_nested(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: _nested(item.value) for item in value.kvlist_value.values}
        case None:
            return None
        case kind:
            scalar: object = getattr(value, kind)
            return scalar
