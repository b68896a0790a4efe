"""The traps that pybreaker holds for asyncio: none of them is left open."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pybreaker
import pytest

from services.kit.errors import BreakerOpenError, RemoteError, UnreachableError
from services.kit.resilience.breaker import CLOSED, HALF_OPEN, OPEN, AsyncBreaker

if TYPE_CHECKING:
    from tests.services.kit.conftest import PipelineBench, Tools

RESET_MS = 5_000
DOWN = UnreachableError("shop->bank", "no connection")


async def test_calls_of_async_functions_trip_it(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"breaker": {"fail_max": 3}})
    attempt = tools.Script(DOWN)
    for _ in range(3):
        with pytest.raises(UnreachableError):
            await pipeline.run(attempt)
    with pytest.raises(BreakerOpenError):
        await pipeline.run(attempt)
    assert attempt.numbers == [1, 1, 1]


async def test_the_call_that_trips_it_keeps_its_own_error(bench: PipelineBench, tools: Tools) -> None:
    error = RemoteError("shop->bank", 503, "closed for today")
    with pytest.raises(RemoteError) as caught:
        await bench.pipeline({"breaker": {"fail_max": 1}}).run(tools.Script(error))
    assert caught.value is error
    assert bench.sink.told == ["breaker: open"]


async def test_a_probe_that_fails_keeps_its_own_error(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"breaker": {"fail_max": 1, "reset_timeout": "5s"}})
    error = RemoteError("shop->bank", 503, "still closed")
    with pytest.raises(UnreachableError):
        await pipeline.run(tools.Script(DOWN))
    bench.clock.advance_ms(RESET_MS)
    with pytest.raises(RemoteError) as caught:
        await pipeline.run(tools.Script(error))
    assert caught.value is error


def test_a_second_call_is_admitted_while_one_is_under_way(tools: Tools) -> None:
    breaker = tools.Breaker()
    first = breaker.admitted()
    second = breaker.admitted()
    second.succeeded()
    first.succeeded()
    assert breaker.state == CLOSED


async def test_no_lock_is_held_while_a_call_is_under_way(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"breaker": {}})
    assert isinstance(pipeline.breaker, AsyncBreaker)
    lock = pipeline.breaker._breaker._lock

    def is_free() -> bool:
        free: bool = lock.acquire(blocking=False)
        if free:
            lock.release()
        return free

    async def look_from_another_thread() -> bool:  # The lock is re-entrant: its own thread would always get it.
        return await asyncio.to_thread(is_free)

    assert await pipeline.run(tools.Script(look_from_another_thread)) is True


@pytest.mark.parametrize("permitted", [1, 3])
async def test_half_open_lets_only_the_permitted_calls_through_at_once(
    bench: PipelineBench, tools: Tools, permitted: int
) -> None:
    limits = {"fail_max": 1, "reset_timeout": "5s", "success_threshold": 3, "permitted_calls_in_half_open": permitted}
    pipeline = bench.pipeline({"breaker": limits})
    with pytest.raises(UnreachableError):
        await pipeline.run(tools.Script(DOWN))
    bench.clock.advance_ms(RESET_MS)
    answer = asyncio.Event()
    probe = tools.Script(answer.wait)
    calls = [asyncio.ensure_future(pipeline.run(probe)) for _ in range(10)]
    await tools.settle()
    assert len(probe.numbers) == permitted
    answer.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(result, BreakerOpenError) for result in results) == 10 - permitted


def test_a_place_in_half_open_is_free_again_once_its_probe_has_succeeded(tools: Tools) -> None:
    breaker = tools.Breaker.half_opened(success_threshold=3)
    first = breaker.admitted()
    assert breaker.admit() is None
    first.succeeded()
    assert breaker.admit() is not None


def test_cancellations_while_closed_are_no_failures(tools: Tools) -> None:
    breaker = tools.Breaker()
    for _ in range(10):
        breaker.admitted().abandoned()
    assert breaker.state == CLOSED


def test_a_cancellation_while_closed_is_no_success_either(tools: Tools) -> None:
    breaker = tools.Breaker()
    breaker.fail(2)
    breaker.admitted().abandoned()
    breaker.fail(1)
    assert breaker.state == OPEN


def test_a_cancelled_probe_neither_opens_nor_closes_it_and_gives_its_place_back(tools: Tools) -> None:
    breaker = tools.Breaker.half_opened()
    for _ in range(10):
        breaker.admitted().abandoned()
    assert breaker.state == HALF_OPEN
    breaker.admitted().succeeded()
    assert breaker.state == CLOSED


async def test_a_call_that_is_cancelled_from_outside_is_neutral(bench: PipelineBench, tools: Tools) -> None:
    pipeline = bench.pipeline({"breaker": {"fail_max": 1}})
    call = asyncio.ensure_future(pipeline.run(tools.Script(asyncio.Event().wait)))
    await tools.settle()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await pipeline.run(tools.Script("fine")) == "fine"


def test_a_late_failure_of_an_old_window_does_not_restart_the_reset_timeout(tools: Tools) -> None:
    breaker = tools.Breaker()
    late = breaker.admitted()
    breaker.fail(3)
    breaker.clock.advance_ms(RESET_MS - 1)
    late.failed(DOWN)
    breaker.clock.advance_ms(1)
    assert breaker.admit() is not None


def test_a_late_failure_of_an_old_window_does_not_open_it_again(tools: Tools) -> None:
    breaker = tools.Breaker(fail_max=1)
    late = breaker.admitted()
    breaker.fail(1)
    breaker.clock.advance_ms(RESET_MS)
    probe = breaker.admitted()
    late.failed(DOWN)
    assert breaker.state == HALF_OPEN
    probe.succeeded()
    assert breaker.state == CLOSED


def test_a_late_success_of_an_old_window_does_not_close_it(tools: Tools) -> None:
    breaker = tools.Breaker()
    late = breaker.admitted()
    breaker.fail(3)
    late.succeeded()
    assert breaker.state == OPEN
    breaker.clock.advance_ms(RESET_MS)
    probe = breaker.admitted()
    late.succeeded()
    assert breaker.state == HALF_OPEN
    probe.abandoned()


def test_a_late_cancellation_of_an_old_window_frees_no_place(tools: Tools) -> None:
    breaker = tools.Breaker()
    late = breaker.admitted()
    breaker.fail(3)
    breaker.clock.advance_ms(RESET_MS)
    probe = breaker.admitted()
    late.abandoned()
    assert breaker.admit() is None
    probe.abandoned()


def test_a_probe_of_an_old_window_takes_no_place_in_the_next(tools: Tools) -> None:
    breaker = tools.Breaker(fail_max=1, success_threshold=2, permitted=2)
    breaker.fail(1)
    breaker.clock.advance_ms(RESET_MS)
    breaker.admitted()  # Never reports in time.
    breaker.fail(1)
    breaker.clock.advance_ms(RESET_MS)
    assert [breaker.admit() is not None for _ in range(3)] == [True, True, False]


async def test_a_listener_that_fails_never_reaches_the_caller(
    bench: PipelineBench, tools: Tools, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(decision: object) -> None:
        raise RuntimeError("the listener is broken")

    monkeypatch.setattr(bench.sink, "decided", fail)
    pipeline = bench.pipeline({"breaker": {"fail_max": 1, "reset_timeout": "5s"}})
    with caplog.at_level(logging.ERROR), pytest.raises(UnreachableError):
        await pipeline.run(tools.Script(DOWN))
    bench.clock.advance_ms(RESET_MS)
    assert await pipeline.run(tools.Script("fine")) == "fine"
    assert [record.message for record in caplog.records] == ["a breaker's listener failed"] * 3


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)])
def test_a_wall_clock_that_jumps_changes_nothing(tools: Tools, monkeypatch: pytest.MonkeyPatch, jump: timedelta) -> None:
    class Jumped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # only its result matters here.
            return datetime.now(UTC) + jump

    breaker = tools.Breaker()
    breaker.fail(3)
    monkeypatch.setattr(pybreaker, "datetime", Jumped)
    breaker.clock.advance_ms(RESET_MS - 1)
    assert breaker.admit() is None
    breaker.clock.advance_ms(1)
    breaker.admitted().failed(DOWN)
    assert breaker.admit() is None
    breaker.clock.advance_ms(RESET_MS)
    breaker.admitted().succeeded()
    assert breaker.state == CLOSED


def test_a_probe_that_stays_silent_loses_its_place_after_a_reset_timeout(tools: Tools) -> None:
    breaker = tools.Breaker.half_opened()
    silent = breaker.admitted()
    breaker.clock.advance_ms(RESET_MS - 1)
    assert breaker.admit() is None
    breaker.clock.advance_ms(1)
    probe = breaker.admitted()
    silent.failed(DOWN)
    assert breaker.state == HALF_OPEN
    probe.succeeded()
    assert breaker.state == CLOSED
