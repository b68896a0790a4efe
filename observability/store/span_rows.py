"""What a search asks of the spans of one chunk, packed: a row of SQLite for each span took more time than its decoding.

    rows    how many there are (4 bytes), then the columns of SpanRows in their order
    column  its least value (8 bytes), how many bytes an item has (1: 0, 1, 2, 4 or 8), then for each span how much more it is

Ten bytes a span: what arrives together was begun together, and a column in which all are the same has no items.
"""

import sqlite3
import struct
from array import array
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_MOST: Final = 1 << 18  # More than an upload may have.
_COUNT: Final = struct.Struct("<I")
_COLUMN: Final = struct.Struct("<qB")
_ITEMS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}  # Codes of `array` by the bytes of an item.


class SpanRows(NamedTuple):
    """Spans by position in their chunk: numbers of trace and operation, start and duration in microseconds, 1 if it failed."""

    traces: Sequence[int]
    operations: Sequence[int]
    starts_us: Sequence[int]
    durations_us: Sequence[int]
    failed: Sequence[int]

    def pack(self) -> bytes:
        """As bytes. There must be a span."""
        return _COUNT.pack(len(self.traces)) + b"".join(map(_packed, self))

    @classmethod
    def unpack(cls, packed: bytes) -> "SpanRows":
        """What `pack` made. Raises sqlite3.DatabaseError for bytes that are none such."""
        return cls(*([column.least + item for item in column.items] for column in PackedRows.read(packed)))


class Column(NamedTuple):
    """One value of each span: `least`, and in `items` how much more it is."""

    least: int
    items: Sequence[int]

    def at(self, position: int) -> int:
        """The value of one span."""
        return self.least + self.items[position]

    def among(self, values: Iterable[int]) -> list[int]:
        """Positions of the spans that have one of these."""
        wanted = {value - self.least for value in values}
        return [position for position, item in enumerate(self.items) if item in wanted]

    def between(self, least: int, greatest: int, positions: Iterable[int]) -> list[int]:
        """Those of `positions` whose spans have something between two values, both included."""
        low, high, items = least - self.least, greatest - self.least, self.items
        return [position for position in positions if low <= items[position] <= high]


class PackedRows(NamedTuple):
    """What `SpanRows.pack` made, as it lies there: a search needs a few values of most chunks, and some columns of none."""

    traces: Column
    operations: Column
    starts_us: Column
    durations_us: Column
    failed: Column

    @classmethod
    def read(cls, packed: bytes) -> "PackedRows":
        """Raises sqlite3.DatabaseError for bytes that are no packed rows."""
        columns, at = [], _COUNT.size
        for _ in cls._fields:
            column, at = _column(packed, at)
            columns.append(column)
        return cls(*columns)


def positions_of(trace: int, packed: bytes) -> list[int]:
    """Positions of the spans of one trace in packed rows. Raises sqlite3.DatabaseError for bytes that are none such."""
    column, _ = _column(packed, _COUNT.size)
    return column.among((trace,))


def _packed(values: Sequence[int]) -> bytes:
    least = min(values)
    above = max(values) - least
    item_bytes = next(each for each in (0, *_ITEMS) if above < 1 << 8 * each)
    head = _COLUMN.pack(least, item_bytes)
    return head + array(_ITEMS[item_bytes], [value - least for value in values]).tobytes() if item_bytes else head


def _column(packed: bytes, at: int) -> tuple[Column, int]:
    """The column that begins at `at`, and where the next one begins."""
    try:
        (count,) = _COUNT.unpack_from(packed)
        least, item_bytes = _COLUMN.unpack_from(packed, at)
        begin = at + _COLUMN.size
        end = begin + count * item_bytes
        items = array(_ITEMS[item_bytes], packed[begin:end]) if item_bytes else bytes(min(count, _MOST))
    except (struct.error, KeyError, ValueError) as error:
        raise sqlite3.DatabaseError(f"the rows of a chunk are damaged: {error}") from error
    if len(items) != count:
        raise sqlite3.DatabaseError(f"the rows of a chunk are damaged: {len(items)} of {count} are there")
    return Column(least, items), end
