"""What every bus keeps: at least once on the wire, once in effect, in the order of each key, whatever goes away meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.kit.errors import OverloadedError
from services.kit.events.inbox import MAX_ATTEMPTS, Inbox
from services.kit.events.inbox_rows import InboxState
from tests.services.kit.events.conftest import OPENED, Note, Riddle

if TYPE_CHECKING:
    from tests.services.kit.conftest import Watched
    from tests.services.kit.events.conftest import Town


async def test_events_of_a_key_take_effect_in_their_order_though_some_fail_at_first(town: Town) -> None:
    failures: list[Exception] = [RuntimeError("not yet"), OverloadedError("nor now", 1), RuntimeError("nor again")]

    def act(n: int) -> None:
        if n in (1, 3) and failures:
            raise failures.pop()

    town.ledger.act = act
    async with town.both() as shop:
        await town.publish(shop.publisher, *range(6))
        await town.until_booked([0, 1, 2, 3, 4, 5])
    assert not failures


async def test_an_event_whose_acknowledgement_is_lost_takes_effect_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    receive, times = Inbox.receive, 0

    async def lose_the_answer(inbox: Inbox, body: bytes) -> None:
        nonlocal times
        await receive(inbox, body)
        times += 1
        if times < 3:
            raise OverloadedError("the answer got lost", 1)

    monkeypatch.setattr(Inbox, "receive", lose_the_answer)
    async with town.both() as shop:
        await town.publish(shop.publisher, 0, 1)
        await town.until_booked([0, 1])
    assert times == 4


async def test_an_event_that_nobody_can_read_becomes_a_dead_letter_and_the_next_of_its_key_goes_on(town: Town) -> None:
    async with town.bank() as bank, town.shop() as shop:
        poison = await town.tell(shop.publisher, Riddle(riddle="?"))
        await town.publish(shop.publisher, 1)
        await town.until_booked([1])
        dead = await bank.inbox.page("", 10, InboxState.DEAD)
    assert [(row.event_id, row.type, row.key, row.attempts) for row in dead] == [(poison, OPENED, "k", 1)]


async def test_an_event_that_fails_every_time_becomes_a_dead_letter_and_the_next_of_its_key_goes_on(town: Town) -> None:
    tries: list[int] = []

    def act(n: int) -> None:
        tries.append(n)
        if n == 0:
            raise RuntimeError("never")

    town.ledger.act = act
    async with town.bank() as bank, town.shop() as shop:
        await town.publish(shop.publisher, 0, 1)
        await town.until_booked([1])
        (dead,) = await bank.inbox.page("", 10, InboxState.DEAD)
    assert tries == [0] * MAX_ATTEMPTS + [1]
    assert (dead.attempts, dead.error) == (MAX_ATTEMPTS, "RuntimeError: never")


async def test_a_consumer_that_was_down_gets_what_it_missed_in_order(town: Town) -> None:
    async with town.shop() as shop:
        await town.publish(shop.publisher, 0, 1, 2)
        async with town.bank():
            await town.until_booked([0, 1, 2])
        await town.publish(shop.publisher, 3, 4)
        async with town.bank():
            await town.until_booked([0, 1, 2, 3, 4])


async def test_services_start_without_what_carries_events_and_nothing_is_lost(town: Town) -> None:
    await town.road.cut()
    async with town.both() as shop:
        await town.publish(shop.publisher, 0, 1, 2)
        assert await town.unsent() == 3
        await town.road.mend()
        await town.until_booked([0, 1, 2])


async def test_what_carries_events_goes_down_and_comes_back_and_nothing_is_lost(town: Town) -> None:
    async with town.both() as shop:
        await town.publish(shop.publisher, 0, 1)
        await town.until_booked([0, 1])
        await town.road.cut()
        await town.publish(shop.publisher, 2, 3)
        assert await town.unsent() == 2
        await town.road.mend()
        await town.publish(shop.publisher, 4)
        await town.until_booked([0, 1, 2, 3, 4])


async def test_an_event_is_handled_in_the_trace_of_the_change_that_it_tells_of(town: Town, watched: Watched) -> None:
    async with town.both() as shop:
        with watched.telemetry.tracer.start_as_current_span("sale") as sale:
            await town.publish(shop.publisher, 0)
        await town.until_booked([0])

        async def is_told() -> bool:
            return f"process {OPENED}" in {span.name for span in watched.spans}

        await town.until(is_told)
    told = {span.name for span in watched.spans if span.context and span.context.trace_id == sale.get_span_context().trace_id}
    assert {"sale", f"publish {OPENED}", f"process {OPENED}"} <= told


async def test_two_replicas_of_a_consumer_keep_the_order_of_every_key_and_do_nothing_twice(town: Town) -> None:
    failing = {4, 9}

    def act(n: int) -> None:
        if n in failing:
            failing.remove(n)
            raise RuntimeError("once")

    town.ledger.act = act
    keys = [f"key-{number}" for number in range(6)]
    async with town.both(replicas=2) as shop:
        for n in range(8):
            for key in keys:
                await town.publish(shop.publisher, n, key=key)
        for key in keys:
            await town.until_booked(list(range(8)), key)


async def test_a_change_that_is_rolled_back_is_told_to_nobody(town: Town) -> None:
    async with town.both() as shop:

        async def change_and_fail() -> None:
            async with shop.database.write() as connection:
                await shop.publisher.publish(connection, OPENED, key="k", payload=Note(n=0))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await change_and_fail()
        await town.publish(shop.publisher, 1)
        await town.until_booked([1])
