"""Hedging: while an attempt is late another is made, the first good answer wins, and nothing is left behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import CallError, UnreachableError
from services.kit.resilience.hedge import Hedging
from services.policy import Hedge
from tests.services.kit.virtual import run_virtually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

EDGE = "shop->bank"
DELAY_MS = 100.0
FINE, DOWN, BROKEN = "fine", "down", "broken"


@dataclass
class World:
    """Attempts that take as long as they are told, and what was told of the hedges."""

    ends: list[tuple[float, str]]
    """Of each attempt: after how many milliseconds, and how."""
    stubborn_ms: float = 0.0
    """How long a cancelled attempt still takes to end."""
    allowed: int = 10
    told: list[str] = field(default_factory=list)
    begun: int = 0
    running: int = 0
    cancelled: int = 0

    async def attempt(self) -> str:
        number, self.begun = self.begun, self.begun + 1
        after_ms, how = self.ends[number]
        self.running += 1
        try:
            await asyncio.sleep(after_ms / 1_000)
        except asyncio.CancelledError:
            self.cancelled += 1
            await asyncio.sleep(self.stubborn_ms / 1_000)
            raise
        finally:
            self.running -= 1
        if how == DOWN:
            raise UnreachableError(EDGE, f"attempt {number + 1}")
        if how == BROKEN:
            raise ValueError(f"a bug in attempt {number + 1}")
        return f"answer {number + 1}"

    def may(self) -> bool:
        self.allowed -= 1
        return self.allowed >= 0

    def hedged(self, max_attempts: int = 2) -> Coroutine[object, object, str]:
        policy = Hedge(delay_ms="100ms", max_attempts=max_attempts)
        return Hedging(policy, self.attempt, self.may, self.told.append).run()


async def ended_after_ms(work: Awaitable[object]) -> float:
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    await asyncio.gather(work, return_exceptions=True)
    return (loop.time() - begun_s) * 1_000


def test_an_answer_in_time_needs_no_hedge() -> None:
    world = World([(99, FINE)])
    assert run_virtually(world.hedged()) == "answer 1"
    assert (world.begun, world.told) == (1, [])


def test_a_failure_in_time_is_the_calls_failure() -> None:
    world = World([(50, DOWN)])
    with pytest.raises(UnreachableError, match="attempt 1"):
        run_virtually(world.hedged())
    assert world.begun == 1


def test_a_faster_hedge_wins_and_the_late_attempt_is_cancelled() -> None:
    world = World([(1_000, FINE), (20, FINE)])
    assert run_virtually(world.hedged()) == "answer 2"
    assert (world.told, world.cancelled, world.running) == (["sent", "won"], 1, 0)


def test_the_call_takes_as_long_as_the_delay_and_the_winner() -> None:
    assert run_virtually(ended_after_ms(World([(1_000, FINE), (20, FINE)]).hedged())) == pytest.approx(120)


def test_a_late_answer_that_comes_first_all_the_same_wins_over_the_hedge() -> None:
    world = World([(110, FINE), (500, FINE)])
    assert run_virtually(world.hedged()) == "answer 1"
    assert (world.told, world.cancelled, world.running) == (["sent", "lost"], 1, 0)


def test_after_the_first_attempts_failure_its_hedge_may_still_answer() -> None:
    world = World([(110, DOWN), (500, FINE)])
    assert run_virtually(world.hedged()) == "answer 2"
    assert world.told == ["sent", "won"]


def test_a_hedge_that_fails_leaves_the_first_attempt_its_time() -> None:
    world = World([(500, FINE), (10, DOWN)])
    assert run_virtually(world.hedged()) == "answer 1"
    assert world.told == ["sent", "lost"]


@pytest.mark.parametrize("hedge_ms", [10, 500])
def test_when_all_fail_the_first_attempts_error_is_the_calls(hedge_ms: float) -> None:
    with pytest.raises(UnreachableError, match="attempt 1"):
        run_virtually(World([(200, DOWN), (hedge_ms, DOWN)]).hedged())


def test_a_hedge_that_is_not_allowed_is_not_sent() -> None:
    world = World([(1_000, FINE)], allowed=0)
    assert run_virtually(world.hedged(max_attempts=3)) == "answer 1"
    assert (world.begun, world.told) == (1, [])


def test_a_bug_in_a_hedge_is_seen() -> None:
    world = World([(1_000, FINE), (10, BROKEN)])
    with pytest.raises(ValueError, match="a bug in attempt 2"):
        run_virtually(world.hedged())
    assert world.running == 0


def test_a_bug_in_the_first_attempt_is_seen_and_its_hedge_ended() -> None:
    world = World([(150, BROKEN), (500, FINE)])
    with pytest.raises(ValueError, match="a bug in attempt 1"):
        run_virtually(world.hedged())
    assert world.running == 0


def test_a_cancelled_call_cancels_and_awaits_its_hedges_however_often_it_is_cancelled() -> None:
    world = World([(1_000, FINE), (1_000, FINE)], stubborn_ms=50)

    async def scenario() -> None:
        call = asyncio.ensure_future(world.hedged())
        await asyncio.sleep(0.15)
        call.cancel()
        await asyncio.sleep(0.06)  # The first attempt has ended by now, and its hedge is about to.
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert call.cancelling() == 2

    run_virtually(scenario())
    assert (world.running, world.told) == (0, ["sent", "lost"])


def test_a_hedge_that_answers_does_not_interrupt_how_a_cancelled_attempt_ends() -> None:
    world = World([(1_000, FINE), (20, FINE)], stubborn_ms=50)

    async def scenario() -> float:
        call = asyncio.ensure_future(world.hedged())
        asyncio.get_running_loop().call_later(0.115, call.cancel)
        return await ended_after_ms(call)

    assert run_virtually(scenario()) == pytest.approx(165)


def test_a_timeout_around_the_call_is_not_taken_for_the_win_of_a_hedge() -> None:
    async def scenario() -> None:
        async with asyncio.timeout(0.12):
            await World([(1_000, FINE), (20, FINE)]).hedged()

    with pytest.raises(TimeoutError):
        run_virtually(scenario())


def test_who_calls_is_not_left_cancelled_by_a_hedge_that_won() -> None:
    async def scenario() -> int:
        await World([(1_000, FINE), (20, FINE)]).hedged()
        task = asyncio.current_task()
        assert task is not None
        await asyncio.sleep(0)
        return task.cancelling()

    assert run_virtually(scenario()) == 0


@pytest.mark.parametrize("rounds", range(5))
def test_a_call_that_is_cancelled_while_a_hedge_wins_is_cancelled_or_answered_never_both(rounds: int) -> None:
    """`rounds` of the event loop after the hedge had its answer, its caller gives up."""

    async def scenario() -> tuple[bool, int]:
        loop = asyncio.get_running_loop()

        def give_up(left: int) -> None:
            if left:
                loop.call_soon(give_up, left - 1)
            else:
                given_up.append(call.cancel())

        async def attempt() -> str:
            begun.append(None)
            await asyncio.sleep(1 if len(begun) == 1 else 0.02)
            give_up(rounds)
            return "answer"

        begun: list[None] = []
        given_up: list[bool] = []
        policy = Hedge(delay_ms="100ms", max_attempts=2)
        call = asyncio.ensure_future(Hedging(policy, attempt, lambda: True, lambda _: None).run())
        await asyncio.gather(call, return_exceptions=True)
        return given_up == [True], call.cancelled()

    given_up, cancelled = run_virtually(scenario())
    assert given_up == cancelled


def test_a_hedge_that_answers_in_the_instant_in_which_the_first_attempt_fails_has_answered() -> None:
    async def scenario() -> str:
        now = asyncio.Event()
        begun: list[None] = []

        async def attempt() -> str:
            begun.append(None)
            if len(begun) == 1:
                await asyncio.sleep(0.11)  # The hedge is to be the first of the two that wait.
                await now.wait()
                raise UnreachableError(EDGE, "attempt 1")
            await now.wait()
            return "answer 2"

        asyncio.get_running_loop().call_later(0.15, now.set)
        return await Hedging(Hedge(delay_ms="100ms"), attempt, lambda: True, lambda _: None).run()

    assert run_virtually(scenario()) == "answer 2"


OUTCOMES = st.tuples(st.integers(0, 500).map(lambda whole_ms: whole_ms + 0.5), st.sampled_from([FINE, DOWN]))


@given(
    ends=st.lists(OUTCOMES, min_size=3, max_size=3),
    max_attempts=st.integers(2, 3),
    stubborn_ms=st.sampled_from([0.0, 30.0]),
    cancel_after_ms=st.none() | st.integers(0, 600),
)
def test_it_never_makes_more_than_max_attempts_and_leaves_no_task(
    ends: list[tuple[float, str]], max_attempts: int, stubborn_ms: float, cancel_after_ms: int | None
) -> None:
    world = World(ends, stubborn_ms)

    async def scenario() -> None:
        call = asyncio.ensure_future(world.hedged(max_attempts))
        if cancel_after_ms is not None:
            asyncio.get_running_loop().call_later(cancel_after_ms / 1_000, call.cancel)
        (outcome,) = await asyncio.gather(call, return_exceptions=True)
        assert world.running == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert isinstance(outcome, str | CallError | asyncio.CancelledError)

    run_virtually(scenario())
    assert world.begun <= max_attempts
    assert world.told.count("sent") == world.begun - 1 == world.told.count("won") + world.told.count("lost")
    assert world.told.count("won") <= 1


@given(ends=st.lists(OUTCOMES, min_size=3, max_size=3), max_attempts=st.integers(2, 3))
def test_the_answer_is_the_earliest_good_one_and_there_is_one_if_any_attempt_has_one(
    ends: list[tuple[float, str]], max_attempts: int
) -> None:
    """What has to happen is worked out from the times alone; no attempt ends in the instant in which a hedge is due."""
    sent = [(number * DELAY_MS + after_ms, how) for number, (after_ms, how) in enumerate(ends[:max_attempts])]
    first_over_ms = sent[0][0]  # Then no more hedges are sent.
    good_ms = [at_ms for number, (at_ms, how) in enumerate(sent) if how == FINE and number * DELAY_MS < first_over_ms]
    (outcome,) = run_virtually(_gathered(World(ends).hedged(max_attempts)))
    if good_ms:
        assert isinstance(outcome, str)
        assert sent[int(outcome.split()[1]) - 1][0] == min(good_ms)
    else:
        assert isinstance(outcome, UnreachableError)


async def _gathered(work: Coroutine[object, object, str]) -> list[str | BaseException]:
    return list(await asyncio.gather(work, return_exceptions=True))
