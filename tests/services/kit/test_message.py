"""Requests and replies, free of any client library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.message import Outgoing, Reply, problem_detail


@pytest.mark.parametrize(
    ("outgoing", "repeatable"),
    [
        (Outgoing("GET", "/a", "/a"), True),
        (Outgoing("PUT", "/a", "/a", idempotency_key="k"), True),
        (Outgoing("POST", "/a", "/a", idempotency_key="k"), True),
        (Outgoing("POST", "/a", "/a"), False),
        (Outgoing("PUT", "/a", "/a"), False),
        (Outgoing("DELETE", "/a", "/a"), False),
    ],
    ids=lambda value: f"{value.method} {value.idempotency_key}" if isinstance(value, Outgoing) else str(value),
)
def test_only_a_read_or_a_request_with_a_key_is_repeatable(outgoing: Outgoing, repeatable: bool) -> None:  # noqa: FBT001 - a table.
    assert outgoing.repeatable is repeatable


def test_the_detail_of_a_problem_is_found() -> None:
    assert Reply(422, b'{"detail": "not enough money"}').detail == "not enough money"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"17", b'{"title": "x"}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_problem_has_no_detail(body: bytes) -> None:
    assert problem_detail(body) == ""


@given(st.binary())
def test_no_body_is_an_error(body: bytes) -> None:
    assert isinstance(problem_detail(body), str)
