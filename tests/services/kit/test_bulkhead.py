"""A bulkhead: never more under way than it has places, whoever is cancelled when, and nobody jumps the queue."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit.resilience.bulkhead import AsyncBulkhead
from services.policy import Bulkhead
from tests.services.kit.virtual import run_virtually, settle


def bulkhead(places: int = 1, waiting: int = 0, max_wait: str = "100ms") -> AsyncBulkhead:
    return AsyncBulkhead(Bulkhead(max_concurrent=places, max_waiting=waiting, max_wait_ms=max_wait))


async def test_a_free_place_is_taken_at_once() -> None:
    house = bulkhead(places=2)
    assert await house.enter() is None
    assert house.try_enter()
    assert (house.in_use, house.try_enter()) == (2, False)


async def test_a_place_that_was_left_is_free() -> None:
    house = bulkhead()
    assert house.try_enter()
    house.leave()
    assert house.try_enter()


async def test_without_room_to_wait_who_finds_it_full_is_sent_away_at_once() -> None:
    house = bulkhead()
    house.try_enter()
    assert await house.enter() == "1 under way and 0 waiting"


def test_who_waits_gives_up_in_time_and_leaves_the_queue() -> None:
    async def scenario() -> float:
        house = bulkhead(waiting=1)
        house.try_enter()
        begun_s = asyncio.get_running_loop().time()
        assert await house.enter() == "no place within 100 ms"
        assert (house.in_use, house.waiting) == (1, 0)
        return (asyncio.get_running_loop().time() - begun_s) * 1_000

    assert run_virtually(scenario()) == pytest.approx(100)


def test_places_are_handed_on_in_the_order_in_which_they_were_asked_for() -> None:
    async def scenario() -> list[int]:
        house = bulkhead(waiting=5)
        house.try_enter()
        order: list[int] = []

        async def visit(number: int) -> None:
            assert await house.enter() is None
            order.append(number)
            house.leave()

        visits = [asyncio.ensure_future(visit(number)) for number in range(5)]
        await settle()
        house.leave()
        assert not house.try_enter()  # It has changed hands already: nobody comes in first.
        await asyncio.gather(*visits)
        assert house.in_use == 0
        return order

    assert run_virtually(scenario()) == [0, 1, 2, 3, 4]


def test_who_is_cancelled_in_the_instant_of_being_handed_a_place_gives_it_back() -> None:
    async def scenario() -> None:
        house = bulkhead(waiting=1)
        house.try_enter()
        waiter = asyncio.ensure_future(house.enter())
        await settle()
        house.leave()
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        assert waiter.cancelled()
        assert house.in_use == 0

    run_virtually(scenario())


def test_who_was_cancelled_is_passed_over_and_takes_no_room_in_the_queue() -> None:
    async def scenario() -> None:
        house = bulkhead(waiting=1)
        house.try_enter()
        gone = asyncio.ensure_future(house.enter())
        await settle()
        gone.cancel()  # It has not come to say so yet.
        assert house.waiting == 0
        asyncio.get_running_loop().call_later(0.01, house.leave)
        assert await house.enter() is None
        assert house.in_use == 1

    run_virtually(scenario())


def test_a_place_that_is_left_while_only_cancelled_ones_wait_is_free() -> None:
    async def scenario() -> None:
        house = bulkhead(waiting=1)
        house.try_enter()
        gone = asyncio.ensure_future(house.enter())
        await settle()
        gone.cancel()
        house.leave()
        assert house.in_use == 0
        await asyncio.gather(gone, return_exceptions=True)
        assert house.in_use == 0

    run_virtually(scenario())


@dataclass
class Storm:
    """Visitors who come, go and are cancelled at random instants."""

    house: AsyncBulkhead
    inside: int = 0
    most_inside: int = 0
    most_waiting: int = 0
    visits: list[asyncio.Task[str | None]] = field(default_factory=list)

    async def visit(self, stay_ms: float) -> str | None:
        reason = await self.house.enter()
        if reason is None:
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            try:
                await asyncio.sleep(stay_ms / 1_000)
            finally:
                self.inside -= 1
                self.house.leave()
        return reason


@settings(max_examples=60)
@given(
    places=st.integers(1, 4),
    waiting=st.integers(0, 4),
    visitors=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60), st.none() | st.integers(0, 120)), min_size=1, max_size=40
    ),
)
def test_under_a_storm_of_cancellations_it_is_never_above_its_maximum_and_loses_no_place(
    places: int, waiting: int, visitors: list[tuple[int, int, int | None]]
) -> None:
    """A visitor is (comes after, stays for, is cancelled after), in milliseconds: many of them in the same instant."""

    async def scenario() -> None:
        storm = Storm(bulkhead(places, waiting, "50ms"))
        loop = asyncio.get_running_loop()

        def come(stay_ms: float, cancel_ms: float | None) -> None:
            visit = asyncio.ensure_future(storm.visit(stay_ms))
            storm.visits.append(visit)
            if cancel_ms is not None:
                loop.call_later(cancel_ms / 1_000, visit.cancel)

        for after_ms, stay_ms, cancel_ms in visitors:
            loop.call_later(after_ms / 1_000, come, stay_ms, cancel_ms)
        for _ in range(400):
            await asyncio.sleep(0.001)
            assert storm.house.in_use <= places
            assert storm.house.waiting <= waiting
            assert not storm.house.waiting or storm.house.in_use == places  # Nobody waits while a place is free.
        await asyncio.gather(*storm.visits, return_exceptions=True)
        assert storm.most_inside <= places
        assert (storm.inside, storm.house.in_use, storm.house.waiting) == (0, 0, 0)
        assert all(storm.house.try_enter() for _ in range(places))

    run_virtually(scenario())
