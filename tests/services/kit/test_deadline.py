"""The deadline of a request: it only shrinks, and travels as the time that is left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.metrics import Metrics
from services.kit.deadlines import DeadlineMiddleware
from services.kit.resilience.deadline import AT_HEADER, HEADER, deadline_within, left_ms_of, parse_header, remaining_ms

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tests.services.kit.conftest import Tools


class Application:
    """Keeps what was left of the deadline when a request reached it."""

    def __init__(self) -> None:
        self.left_ms: list[float | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.left_ms.append(remaining_ms())
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})


@given(limits_ms=st.lists(st.none() | st.floats(0.001, 3_600_000), max_size=6))
def test_a_deadline_only_shrinks(limits_ms: list[float | None]) -> None:
    async def nest(rest: list[float | None], outer_s: float) -> None:
        if rest:
            with deadline_within(rest[0]) as deadline_s:
                inner_s = float("inf") if deadline_s is None else deadline_s
                assert inner_s <= outer_s
                await nest(rest[1:], inner_s)

    asyncio.run(nest(limits_ms, float("inf")))


def test_without_one_nothing_is_left_or_spent() -> None:
    async def scenario() -> None:
        assert remaining_ms() is None
        with deadline_within(None) as deadline_s:
            assert deadline_s is None
            assert remaining_ms() is None

    asyncio.run(scenario())


def test_what_is_left_shrinks_as_time_passes_and_is_negative_once_it_is_spent(tools: Tools) -> None:
    async def scenario() -> None:
        with deadline_within(200):
            await asyncio.sleep(0.15)
            assert remaining_ms() == pytest.approx(50)
            await asyncio.sleep(0.15)
            assert remaining_ms() == pytest.approx(-100)

    tools.run_virtually(scenario())


def test_a_longer_limit_inside_changes_nothing(tools: Tools) -> None:
    async def scenario() -> None:
        with deadline_within(100), deadline_within(5_000):
            assert remaining_ms() == pytest.approx(100)

    tools.run_virtually(scenario())


def test_the_outer_deadline_is_in_force_again_afterwards_even_after_an_error(tools: Tools) -> None:
    async def scenario() -> None:
        with deadline_within(100):
            with pytest.raises(ValueError, match="inside"), deadline_within(10):
                raise ValueError("inside")
            assert remaining_ms() == pytest.approx(100)
        assert remaining_ms() is None

    tools.run_virtually(scenario())


async def test_tasks_have_deadlines_of_their_own() -> None:
    async def bounded() -> float | None:
        with deadline_within(100):
            await asyncio.sleep(0)
            return remaining_ms()

    async def unbounded() -> float | None:
        await asyncio.sleep(0)
        return remaining_ms()

    left_ms, nothing = await asyncio.gather(bounded(), unbounded())
    assert left_ms is not None
    assert nothing is None


@pytest.mark.parametrize(("value", "left_ms"), [("250", 250), ("0", 0), ("1.5", 1.5), ("3600000", 3_600_000)])
def test_a_header_says_how_many_milliseconds_are_left(value: str, left_ms: float) -> None:
    assert parse_header(value) == left_ms


@pytest.mark.parametrize("value", [None, "", "soon", "-1", "nan", "inf", "3600001", "1e300", "10 ms"])
def test_a_header_that_makes_no_sense_is_ignored(value: str | None) -> None:
    assert parse_header(value) is None


@given(st.text())
def test_no_header_is_an_error(value: str) -> None:
    left_ms = parse_header(value)
    assert left_ms is None or 0 <= left_ms <= 3_600_000


def test_a_request_runs_under_the_deadline_of_its_caller(tools: Tools) -> None:
    application = Application()
    answer = tools.run_virtually(tools.ask(DeadlineMiddleware(application, Metrics()), "/", {HEADER: "250"}))
    assert answer.status == 200
    assert application.left_ms == [pytest.approx(250)]


async def test_a_request_without_a_deadline_has_none(tools: Tools) -> None:
    application = Application()
    await tools.ask(DeadlineMiddleware(application, Metrics()), "/")
    assert application.left_ms == [None]


async def test_a_request_whose_deadline_has_passed_is_refused_before_any_work(tools: Tools) -> None:
    application = Application()
    answer = await tools.ask(DeadlineMiddleware(application, Metrics()), "/", {HEADER: "0"})
    assert (answer.status, answer.json["detail"]) == (504, "the deadline had passed on arrival")
    assert application.left_ms == []


async def test_what_is_no_request_passes_untouched() -> None:
    application = Application()

    async def silence() -> dict[str, object]:
        return {"type": "lifespan.startup"}

    async def ignore(message: object) -> None:
        return None

    await DeadlineMiddleware(application, Metrics())({"type": "lifespan"}, silence, ignore)
    assert application.left_ms == [None]


async def test_a_request_that_was_read_long_after_its_caller_gave_up_is_not_begun(tools: Tools) -> None:
    application = Application()
    late = DeadlineMiddleware(application, Metrics(), lambda: 1_003.0)
    answer = await tools.ask(late, "/", {HEADER: "1000", AT_HEADER: "1001.000"})
    assert (answer.status, application.left_ms) == (504, [])


@pytest.mark.parametrize(
    ("duration", "at", "left_ms"),
    [
        ("1000", "1001.0", 1_000.0),
        ("1000", "1000.2", 700.0),  # It stood in a queue for longer than clocks disagree.
        ("1000", "999.0", 0.0),
        ("1000", "5000.0", 1_000.0),
        ("1000", "", 1_000.0),
        ("1000", "soon", 1_000.0),
        ("1000", "nan", 1_000.0),
        ("1000", "-inf", 1_000.0),
        (None, "999.0", None),
    ],
)
def test_the_earlier_of_a_duration_and_an_instant_is_the_deadline(duration: str | None, at: str, left_ms: float | None) -> None:
    assert left_ms_of(duration, at, 1_000.0) == (pytest.approx(left_ms) if left_ms else left_ms)
