"""OTLP's attribute values as Jaeger shows them: typed, and flat."""

import base64
import json
import math
from typing import Final, TypedDict

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Plain = str | bool | int | float


class Tag(TypedDict):
    """A typed key and value of Jaeger's JSON form."""

    key: str
    type: str
    value: Plain


_MAX_SAFE_INTEGER: Final = 2**53 - 1  # Beyond it a JavaScript reader loses digits, so Jaeger sends such integers as text.
_TYPES: Final = {"bool_value": "bool", "int_value": "int64", "double_value": "float64", "bytes_value": "binary"}


def string_tag(key: str, value: str) -> Tag:
    """A tag whose value is text."""
    return {"key": key, "type": "string", "value": value}


def attribute_tag(attribute: KeyValue) -> Tag:
    """An OTLP attribute as a tag; lists and maps become JSON text, as in Jaeger's own translation."""
    value = attribute.value
    kind = value.WhichOneof("value")
    if kind == "string_value":  # Most are, and a search shows thousands.
        return {"key": attribute.key, "type": "string", "value": value.string_value}
    return {"key": attribute.key, "type": _TYPES.get(kind or "", "string"), "value": plain(value)}


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
