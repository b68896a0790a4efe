"""How urgent a request is: said by RFC 9218's header, inherited by the calls that it makes, never an error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.priorities import PriorityMiddleware
from services.kit.resilience.priority import DEFAULT, HEADER, LEAST_URGENT, current, format_header, parse_header, priority_within
from tests.services.asgi import ask

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class Application:
    """Keeps how urgent the requests were that reached it."""

    def __init__(self) -> None:
        self.urgencies: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.urgencies.append(current())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("value", "urgency"),
    [
        ("u=0", 0),
        ("u=7", 7),
        ("i, u=1", 1),
        ("u=1;why=me, i", 1),
        ("u=5 , i", 5),
        ("u=1, u=2", 2),
        ("u=1, u=9", DEFAULT),
        ("i", DEFAULT),
        ("", DEFAULT),
        (None, DEFAULT),
        ("u=8", DEFAULT),
        ("u=-1", DEFAULT),
        ("u=1.5", DEFAULT),
        ('u="0"', DEFAULT),
        ("u", DEFAULT),
        ("U=0", DEFAULT),
        ("menu=0", DEFAULT),
        ("u=²", DEFAULT),
    ],
)
def test_a_header_states_an_urgency_or_nothing(value: str | None, urgency: int) -> None:
    assert parse_header(value) == urgency


@given(value=st.text(max_size=200))
def test_no_header_is_an_error_or_out_of_bounds(value: str) -> None:
    assert 0 <= parse_header(value) <= LEAST_URGENT


@given(urgency=st.integers(0, LEAST_URGENT))
def test_what_is_written_is_read(urgency: int) -> None:
    assert parse_header(format_header(urgency)) == urgency


@given(urgencies=st.lists(st.none() | st.integers(-10, 20), max_size=6))
def test_the_innermost_urgency_holds_within_bounds_and_the_outer_one_afterwards(urgencies: list[int | None]) -> None:
    def nest(rest: list[int | None], outer: int) -> None:
        if rest:
            wanted = outer if rest[0] is None else min(max(rest[0], 0), LEAST_URGENT)
            with priority_within(rest[0]) as inside:
                assert inside == current() == wanted
                nest(rest[1:], wanted)
            assert current() == outer

    nest(urgencies, current())


async def test_a_request_runs_under_what_its_caller_says_and_the_next_one_does_not() -> None:
    application = Application()
    served = PriorityMiddleware(application)
    await ask(served, "/", {HEADER: "u=1, i"})
    await ask(served, "/")
    await ask(served, "/", [(HEADER, "u=1"), (HEADER, "u=6")])
    assert application.urgencies == [1, DEFAULT, 6]


async def test_a_task_that_a_request_starts_is_as_urgent_as_the_request() -> None:
    async def inner() -> int:
        return current()

    with priority_within(1):
        task = asyncio.create_task(inner())
    assert await task == 1
