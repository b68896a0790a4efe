"""Several relays on one outbox: who holds what, for how long, and what comes after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.kit.events.outbox import CLAIM_S
from services.kit.events.relay import BATCH

if TYPE_CHECKING:
    from services.kit.events.outbox import Message
    from tests.feastfast.relay.conftest import Clock, PostOffice


async def test_two_relays_never_deliver_a_message_at_the_same_time(office: PostOffice) -> None:
    gate = asyncio.Event()

    async def wait(_message: Message) -> None:
        await gate.wait()

    keys = [f"{number:02}" for number in range(2 * BATCH + 1)]
    await office.put(*keys)
    one, other = office.addressee(wait), office.addressee(wait)
    async with office.relay(one).running(), office.relay(other).running():
        held = await one.got(BATCH) + await other.got(BATCH)
        assert sorted(held) == keys[:-1], "each holds its own"
        assert one.arrived.empty()
        assert other.arrived.empty(), "and neither takes more than it can deliver"
        gate.set()
        await office.until()
    assert one.arrived.qsize() + other.arrived.qsize() == 1


async def test_a_relay_that_dies_loses_its_claim_with_time_and_another_delivers(office: PostOffice, clock: Clock) -> None:
    async def never(_message: Message) -> None:
        await asyncio.Event().wait()

    await office.put("claimed")
    dead, alive = office.addressee(never), office.addressee()
    async with office.relay(dead).running():
        await dead.got(1)
    clock.now_s += CLAIM_S - 0.001
    async with office.relay(alive).running():
        await office.put("fresh")
        assert await alive.got(1) == ["fresh"], "the claim still holds, or the older one had come first"
        clock.now_s += 0.001
        assert await alive.got(1) == ["claimed"]
        await office.until()


async def test_a_relay_that_outlives_its_claim_repeats_a_message_and_harms_nothing(office: PostOffice, clock: Clock) -> None:
    gate = asyncio.Event()

    async def wait(_message: Message) -> None:
        await gate.wait()

    await office.put("a")
    slow, quick = office.addressee(wait), office.addressee()
    async with office.relay(slow).running():
        await slow.got(1)
        clock.now_s += CLAIM_S
        async with office.relay(quick).running():
            assert await quick.got(1) == ["a"]
            await office.until()
        await office.put("b")  # An outbox that gave it the number of the message before would lose it now.
        gate.set()
        assert await slow.got(1) == ["b"]
        await office.until()
