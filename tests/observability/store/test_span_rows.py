from __future__ import annotations

import sqlite3

import pytest

from observability.store.span_rows import SpanRows, positions_of

ROWS = SpanRows(
    [7, 9, 7], [1, 1, 1], [1_767_225_600_000_000, 1_767_225_600_070_000, 1_767_225_600_000_300], [5, 0, 70_000], [0, 1, 0]
)


@pytest.mark.parametrize("above", [0, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**62])
def test_rows_come_back_as_they_were_however_far_apart_their_values_are(above: int) -> None:
    rows = SpanRows([1, 2**40], [3, 3], [above, 0], [2**62 - above, 2**62], [1, 0])
    assert SpanRows.unpack(rows.pack()) == rows


def test_usual_spans_take_ten_bytes_each() -> None:
    count = 64
    starts_us = range(1_767_225_600_000_000, 1_767_225_600_000_000 + count * 3_000, 3_000)
    rows = SpanRows(
        [n // 3 for n in range(count)], [n % 3 for n in range(count)], starts_us, [n * 300 for n in range(count)], [0] * count
    )
    assert len(rows.pack()) <= 10 * count


@pytest.mark.parametrize(("trace", "positions"), [(7, [0, 2]), (9, [1]), (8, []), (2**63 - 1, []), (-1, [])])
def test_the_spans_of_a_trace_are_found_in_packed_rows(trace: int, positions: list[int]) -> None:
    assert positions_of(trace, ROWS.pack()) == positions


def test_rows_that_are_cut_anywhere_are_damage_and_no_other_rows() -> None:
    packed = ROWS.pack()
    for length in range(len(packed)):
        with pytest.raises(sqlite3.DatabaseError, match="the rows of a chunk are damaged"):
            SpanRows.unpack(packed[:length])


def test_rows_with_a_width_that_none_has_are_damage() -> None:
    packed = bytearray(ROWS.pack())
    packed[12] = 3
    with pytest.raises(sqlite3.DatabaseError, match="the rows of a chunk are damaged"):
        SpanRows.unpack(bytes(packed))


@pytest.mark.parametrize("rows", [ROWS, ROWS._replace(traces=[7, 7, 7])], ids=["with items", "all the same"])
def test_rows_that_say_they_are_billions_are_damage_and_take_no_memory(rows: SpanRows) -> None:
    packed = b"\xff\xff\xff\xff" + rows.pack()[4:]
    with pytest.raises(sqlite3.DatabaseError, match="the rows of a chunk are damaged"):
        SpanRows.unpack(packed)
