"""Durations: a number never travels without its unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.duration import MAX_MS, DurationMs, format_duration_ms, parse_duration_ms, without_unit

POSITIVE = TypeAdapter(DurationMs)


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [("250us", 0.25), ("300ms", 300), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000), (" 30 s ", 30_000)],
)
def test_every_unit_becomes_milliseconds(text: str, expected_ms: float) -> None:
    assert parse_duration_ms(text) == expected_ms


@pytest.mark.parametrize("text", ["300", "-5ms", "5 parsecs", "ms", "1e3ms", "", ".5s", "1.s", "5MS", 300, 1.5, None, True])
def test_what_has_no_unit_or_no_positive_number_is_refused_with_what_is_allowed(text: object) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; write a positive number and a unit \(us, ms, s, m, h\)"):
        parse_duration_ms(text)


@pytest.mark.parametrize("text", ["745h", "9" * 400 + "h"])
def test_a_duration_beyond_a_month_is_a_slip_and_named_as_one(text: str) -> None:
    with pytest.raises(ValueError, match="is longer than 744h, the longest there is"):
        parse_duration_ms(text)


def test_a_field_of_a_duration_is_longer_than_zero() -> None:
    with pytest.raises(ValidationError, match="'0ms' must be longer than zero"):
        POSITIVE.validate_python("0ms")


def test_a_field_of_a_duration_is_text_with_a_unit_again_when_it_is_written() -> None:
    assert POSITIVE.dump_json(POSITIVE.validate_python("1500ms")) == b'"1.5s"'


@pytest.mark.parametrize(
    ("value_ms", "text"),
    [(0.25, "250us"), (300, "300ms"), (1_500, "1.5s"), (90_000, "90s"), (3_600_000, "1h"), (1_234_567, "1234.567s"), (0, "0ms")],
)
def test_the_shortest_spelling_is_written(value_ms: float, text: str) -> None:
    assert format_duration_ms(float(value_ms)) == text


@given(st.floats(min_value=0, max_value=MAX_MS))
def test_what_is_written_is_read_back_exactly(value_ms: float) -> None:
    assert parse_duration_ms(format_duration_ms(value_ms)) == value_ms


def test_the_unit_is_in_the_name_in_code_and_in_the_value_in_yaml() -> None:
    assert (without_unit("attempt_ms"), without_unit("fail_max")) == ("attempt", "fail_max")
