"""Search by tags: which rows, which chunks and at last which spans have all of them.

Jaeger's meaning: a span matches when each key has that value, written as text, among the span's own tags, its process's
tags or the fields of its events.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from observability.store import jaeger
from observability.store.chunks import StoredSpan
from observability.store.values import text

_MIN_INT64: Final = -(2**63)
_MAX_INT64: Final = 2**63 - 1


class TagFilter:
    """What a search's `tags` demand, from the cheapest test to the exact one."""

    def __init__(self, tags: Mapping[str, str]) -> None:
        conditions = {key: _row_condition(key, value) for key, value in tags.items()}
        self.row_conditions: Sequence[str] = tuple(condition for condition in conditions.values() if condition)
        """SQL about a row of `span`, decided by columns alone."""
        self._tags = {key: value for key, value in tags.items() if not conditions[key]}
        self._needles = tuple(_needles(key, value) for key, value in self._tags.items() if key not in jaeger.MADE_TAGS)

    @property
    def needs_spans(self) -> bool:
        """True when columns do not decide, and chunks must be opened."""
        return bool(self._tags)

    def may_be_in(self, message: bytes) -> bool:
        """False when no span of an unpacked chunk can match: one look for bytes, a hundred times faster than decoding."""
        return all(any(needle in message for needle in alternatives) for alternatives in self._needles)

    def matches(self, stored: StoredSpan) -> bool:
        """Whether a span has all the tags that columns do not decide."""
        of_events = (tag for log in jaeger.logs(stored.span) for tag in log["fields"])
        everywhere = chain(jaeger.tags(stored), jaeger.process_tags(stored.resource), of_events)
        present = {(tag["key"], text(tag["value"])) for tag in everywhere}
        return all((key, value) in present for key, value in self._tags.items())


def _row_condition(key: str, value: str) -> str:
    """SQL for the tags that Jaeger makes of a span's status and kind; empty for any other."""
    if (key, value) in (("error", "true"), ("otel.status_code", "ERROR")):
        return "error = 1"
    kind = next((number for number, name in jaeger.KINDS.items() if name == value), None)
    if key == "span.kind" and kind is not None:
        return f"operation IN (SELECT id FROM operation WHERE kind = {int(kind)})"
    return ""


def _needles(key: str, value: str) -> Sequence[bytes]:
    """The bytes by which an attribute of that text can stand in a chunk, one for each type it can have.

    Chunks are written by one serialiser in field order, so an attribute's bytes are always the same.
    """
    if value[:1] in ("[", "{"):  # A list or map, whose JSON text has many spellings.
        return (key.encode(),)
    values = [AnyValue(string_value=value), *_other_types(value)]
    return tuple(KeyValue(key=key, value=any_value).SerializeToString() for any_value in values)


def _other_types(value: str) -> Sequence[AnyValue]:
    if value in ("true", "false"):
        return (AnyValue(bool_value=value == "true"),)
    try:
        number = float(value)
    except ValueError:
        return ()
    whole = int(value) if value.lstrip("-").isdigit() else None
    integer = (AnyValue(int_value=whole),) if whole is not None and _MIN_INT64 <= whole <= _MAX_INT64 else ()
    return (AnyValue(double_value=number), *integer)
