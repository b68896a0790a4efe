"""Search by tags: which rows, which chunks and at last which spans have all of them.

Jaeger's meaning: a span matches when each key has that value, written as text, among the span's own tags, its process's
tags or the fields of its events.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from observability.store import jaeger
from observability.store.chunks import StoredSpan
from observability.store.tag_hashes import MADE_TAGS, found_in, key_of, tag_of
from observability.store.values import text

_FAILED: Final = (("error", "true"), ("otel.status_code", "ERROR"))
_MIN_INT64: Final = -(2**63)
_MAX_INT64: Final = 2**63 - 1


class TagFilter:
    """What a search's `tags` demand, from the cheapest test to the exact one."""

    def __init__(self, tags: Mapping[str, str]) -> None:
        self.is_failed = any(tag in _FAILED for tag in tags.items())
        """Only spans that failed can match."""
        self.kind = next((number for number, name in jaeger.KINDS.items() if name == tags.get("span.kind")), None)
        """OTLP's SpanKind that a span must have; None for any."""
        self._tags = {
            key: value
            for key, value in tags.items()
            if (key, value) not in _FAILED and not (key == "span.kind" and self.kind is not None)
        }
        self._needles = tuple(_needles(key, value) for key, value in self._tags.items())

    @property
    def chunk_conditions(self) -> tuple[Sequence[str], Mapping[str, bytes]]:
        """SQL about the hashes of a chunk that may have all the tags, and its values."""
        conditions: list[str] = []
        values: dict[str, bytes] = {}
        for number, alternatives in enumerate(self._needles):
            found = [found_in("tags.hashes", needle, f"tag_{number}_{index}") for index, needle in enumerate(alternatives)]
            conditions.append(f"({' OR '.join(condition for condition, _ in found)})")
            for _, more in found:
                values |= more
        return conditions, values

    @property
    def needs_spans(self) -> bool:
        """True when rows do not decide, and chunks must be opened."""
        return bool(self._tags)

    def may_be_in(self, message: bytes) -> bool:
        """False when no span of an unpacked chunk can match: one look for bytes, a hundred times faster than decoding."""
        needles = (alternatives for key, alternatives in zip(self._tags, self._needles, strict=True) if key not in MADE_TAGS)
        return all(any(needle in message for needle in alternatives) for alternatives in needles)

    def matches(self, stored: StoredSpan) -> bool:
        """Whether a span has all the tags that rows do not decide."""
        of_events = (tag for event in stored.span.events for tag in jaeger.fields(event))
        everywhere = chain(jaeger.tags(stored), jaeger.process_tags(stored.resource), of_events)
        present = {(tag.key, text(tag.value)) for tag in everywhere}
        return all((key, value) in present for key, value in self._tags.items())


def _needles(key: str, value: str) -> Sequence[bytes]:
    """The bytes by which an attribute of that text can stand in a chunk, one for each type it can have."""
    if value[:1] in ("[", "{"):  # A list or map, whose JSON text has many spellings.
        return (key_of(key), tag_of(key, AnyValue(string_value=value)))
    values = [AnyValue(string_value=value), *_other_types(value)]
    return tuple(tag_of(key, any_value) for any_value in values)


def _other_types(value: str) -> Iterator[AnyValue]:
    """Values of other types than text that are written as `value`."""
    if value in ("true", "false"):
        yield AnyValue(bool_value=value == "true")
    if not value:
        yield AnyValue()
    with suppress(ValueError):
        yield AnyValue(double_value=float(value))
    if value.removeprefix("-").isdecimal() and _MIN_INT64 <= int(value) <= _MAX_INT64:
        yield AnyValue(int_value=int(value))
    with suppress(ValueError):
        yield AnyValue(bytes_value=base64.b64decode(value, validate=True))
