"""The relay: what was written is delivered, at least once, and no message stands in another's way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from services.kit.errors import CallError, ConflictError, RemoteError, UnreachableError
from services.kit.events.relay import BATCH, PUT_OFF_S

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from services.kit.events.outbox import Message
    from services.kit.events.relay import After
    from tests.feastfast.relay.conftest import Clock, PostOffice

LETTERS, PARCELS = "letters", "parcels"
DOWN = UnreachableError("post->addressee", "nobody is at home")


async def test_messages_are_delivered_once_and_leave_the_outbox(office: PostOffice) -> None:
    addressee = office.addressee()
    relay = office.relay(addressee)
    async with relay.running():
        await office.put("a", "b", "c")
        relay.notify(LETTERS)
        assert await addressee.got(3) == ["a", "b", "c"]
        await office.until()
    assert addressee.arrived.empty()
    assert office.value("outbox_delivered_total", topic=LETTERS) == 3


async def test_a_message_of_a_former_life_is_delivered_without_being_told(office: PostOffice) -> None:
    await office.put("a")
    addressee = office.addressee()
    async with office.relay(addressee).running():
        assert await addressee.got(1) == ["a"]
        await office.until()


async def test_a_change_that_is_rolled_back_leaves_no_message(office: PostOffice) -> None:
    async def change() -> None:
        async with office.database.write() as connection:
            await office.outbox.put(connection, LETTERS, "a", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change()
    assert await office.waiting() == []


@pytest.mark.parametrize("error", [DOWN, RemoteError("post->addressee", 500, "")])
async def test_a_message_is_delivered_when_its_service_is_back(office: PostOffice, error: CallError) -> None:
    failures = 3

    async def fail_at_first(_message: Message) -> None:
        nonlocal failures
        if failures:
            failures -= 1
            raise error

    await office.put("a")
    addressee = office.addressee(fail_at_first)
    async with office.relay(addressee).running():
        assert await addressee.got(4) == ["a"] * 4
        await office.until()
    assert office.value("outbox_attempts_failed_total", topic=LETTERS) == 3
    assert office.value("outbox_delivered_total", topic=LETTERS) == 1


async def test_while_a_service_is_down_only_the_oldest_message_is_tried_and_then_the_others_in_order(office: PostOffice) -> None:
    down = asyncio.Event()
    down.set()

    async def act(_message: Message) -> None:
        if down.is_set():
            raise DOWN

    keys = ["a", "b", "c", "d", "e"]
    await office.put(*keys)
    addressee = office.addressee(act)
    async with office.relay(addressee).running():
        assert sorted(await addressee.got(BATCH)) == keys[:BATCH], "nobody knows yet"
        assert await addressee.got(3) == ["a"] * 3
        down.clear()
        arrivals = await addressee.got(5)
        assert arrivals == keys
        await office.until()


@pytest.mark.parametrize("error", [ConflictError("not this one"), ValueError("unforeseen"), KeyError("kind")], ids=repr)
async def test_a_message_that_fails_by_itself_is_put_off_and_holds_up_nobody(
    office: PostOffice, clock: Clock, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(message: Message) -> None:
        if message.key == "bad":
            raise error

    await office.put("bad", *"abcdef")
    addressee = office.addressee(act)
    async with office.relay(addressee).running():
        assert sorted(await addressee.got(7)) == sorted(["bad", *"abcdef"])
        await office.until(("bad", 1))
        assert "letters bad cannot be delivered" in caplog.text
        clock.now_s += PUT_OFF_S
        assert await addressee.got(1) == ["bad"]
        await office.until(("bad", 2))


async def test_a_topic_without_its_service_does_not_hold_up_another(office: PostOffice) -> None:
    async def act(message: Message) -> None:
        if message.topic == LETTERS:
            raise DOWN

    await office.put("letter")
    addressee = office.addressee(act)
    async with office.relay(addressee, LETTERS, PARCELS).running():
        assert await addressee.got(2) == ["letter"] * 2
        await office.put("parcel", topic=PARCELS)
        while await addressee.got(1) != ["parcel"]:
            pass


async def test_what_a_delivery_changes_is_committed_with_the_removal_of_its_message_or_not_at_all(office: PostOffice) -> None:
    tries = 0

    async def note(connection: AsyncConnection) -> None:
        nonlocal tries
        tries += 1
        for _ in range(2 if tries == 1 else 1):  # The second time in one transaction the database refuses.
            await connection.execute(insert(office.book).values(entry="a"))

    async def act(_message: Message) -> After:
        return note

    await office.put("a")
    async with office.relay(office.addressee(act)).running():
        await office.until(("a", 1))
        assert await office.entries() == []
        await office.until()
        assert await office.entries() == ["a"]


async def test_a_relay_outlives_a_database_that_cannot_be_used(office: PostOffice, caplog: pytest.LogCaptureFixture) -> None:
    addressee = office.addressee()
    relay = office.relay(addressee)
    async with office.database.write() as connection:
        await connection.run_sync(office.outbox.table.drop)
    async with relay.running():
        relay.notify(LETTERS)
        await office.eventually(lambda: "cannot be worked on" in caplog.text and "cannot be read" in caplog.text)
        await office.database.create(office.metadata)
        await office.put("a")
        assert await addressee.got(1) == ["a"]


async def test_how_many_messages_wait_is_measured(office: PostOffice, clock: Clock) -> None:
    await office.put("a", "b")
    async with office.relay(office.addressee(), PARCELS).running():
        await office.eventually(lambda: office.value("outbox_pending") == 2)
