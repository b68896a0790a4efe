"""The outbox and its relays: what was written is delivered, at least once, and no message stands in another's way."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Column, MetaData, String, Table, insert, select

from observability.metrics import Metrics
from observability.telemetry import Origin, Telemetry
from observability.tracing import tracer_provider
from services.kit.database import Database
from services.kit.errors import CallError, ConflictError, RemoteError, UnreachableError
from services.kit.events import outbox as outbox_module
from services.kit.events.outbox import CLAIM_S, Message, Outbox
from services.kit.events.relay import BATCH, PUT_OFF_S, After, Relay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

BOUND_S = 10.0
LETTERS, PARCELS = "letters", "parcels"
DOWN = UnreachableError("post->addressee", "nobody is at home")


class Clock:
    """Stands in for the module `time` in the outbox: claims run out when told."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def time(self) -> float:
        return self.now_s


async def eventually(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + BOUND_S
    while not holds():
        assert time.monotonic() < until_s
        await asyncio.sleep(0.01)


class Addressee:
    """Handles messages: tells of each, then does with it what the test says."""

    def __init__(self, act: Callable[[Message], Awaitable[None]] | None = None) -> None:
        self.arrived: asyncio.Queue[str] = asyncio.Queue()
        self._act = act

    async def __call__(self, message: Message) -> After | None:
        self.arrived.put_nowait(message.key)
        if self._act:
            await self._act(message)
        return None

    async def got(self, count: int) -> list[str]:
        """The next messages to arrive."""
        async with asyncio.timeout(BOUND_S):
            return [await self.arrived.get() for _ in range(count)]


class PostOffice:
    """One database with an outbox, and as many relays as replicas would run."""

    def __init__(self, path: Path) -> None:
        origin = Origin("post", "post/1")
        self.telemetry = Telemetry(tracer_provider(origin.resource, None, lambda _dropped: None), Metrics(), None)
        self.database = Database(f"sqlite+aiosqlite:///{path}", self.telemetry.tracer, "post")
        self.metadata = MetaData()
        self.outbox = Outbox(self.metadata)
        self.book = Table("book", self.metadata, Column("entry", String(20), primary_key=True))

    def relay(self, handler: Addressee, *topics: str) -> Relay:
        return Relay(self.database, self.outbox, dict.fromkeys(topics or (LETTERS,), handler), self.telemetry)

    async def put(self, *keys: str, topic: str = LETTERS) -> None:
        async with self.database.write() as connection:
            for key in keys:
                await self.outbox.put(connection, topic, key, {})

    async def waiting(self) -> list[tuple[str, int]]:
        """(key, failed attempts) of every message in the outbox."""
        table = self.outbox.table
        async with self.database.read() as connection:
            rows = (await connection.execute(select(table).order_by(table.c.id))).all()
        return [(row.key, row.attempts) for row in rows]

    async def entries(self) -> list[str]:
        async with self.database.read() as connection:
            return list((await connection.execute(select(self.book.c.entry))).scalars())

    async def until(self, *expected: tuple[str, int]) -> None:
        """Returns once exactly this waits in the outbox."""
        until_s = time.monotonic() + BOUND_S
        while await self.waiting() != list(expected):
            assert time.monotonic() < until_s
            await asyncio.sleep(0.01)

    def value(self, name: str, **labels: str) -> float | None:
        return self.telemetry.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outbox_module, "time", clock)
    return clock


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    office = PostOffice(tmp_path / "post.sqlite")
    await office.database.create(office.metadata)
    yield office
    await office.database.close()


async def test_messages_are_delivered_once_and_leave_the_outbox(office: PostOffice) -> None:
    addressee = Addressee()
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
    addressee = Addressee()
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
    addressee = Addressee(fail_at_first)
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
    addressee = Addressee(act)
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
    addressee = Addressee(act)
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
    addressee = Addressee(act)
    async with office.relay(addressee, LETTERS, PARCELS).running():
        assert await addressee.got(2) == ["letter"] * 2
        await office.put("parcel", topic=PARCELS)
        while await addressee.got(1) != ["parcel"]:
            pass


async def test_two_relays_never_deliver_a_message_at_the_same_time(office: PostOffice) -> None:
    gate = asyncio.Event()

    async def wait(_message: Message) -> None:
        await gate.wait()

    keys = [f"{number:02}" for number in range(2 * BATCH + 1)]
    await office.put(*keys)
    one, other = Addressee(wait), Addressee(wait)
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
    dead, alive = Addressee(never), Addressee()
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
    slow, quick = Addressee(wait), Addressee()
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


async def test_what_a_delivery_changes_is_committed_with_the_removal_of_its_message_or_not_at_all(office: PostOffice) -> None:
    tries = asyncio.Queue[int]()

    class Bookkeeper(Addressee):
        async def __call__(self, message: Message) -> After:
            async def note(connection: AsyncConnection) -> None:
                await connection.execute(insert(office.book).values(entry=message.key))
                tries.put_nowait(1)
                if tries.qsize() == 1:
                    await connection.execute(insert(office.book).values(entry=message.key))  # Twice: the database refuses.

            return note

    await office.put("a")
    async with office.relay(Bookkeeper()).running():
        await office.until(("a", 1))
        assert await office.entries() == []
        await office.until()
        assert await office.entries() == ["a"]


async def test_a_relay_outlives_a_database_that_cannot_be_used(office: PostOffice, caplog: pytest.LogCaptureFixture) -> None:
    addressee = Addressee()
    relay = office.relay(addressee)
    async with office.database.write() as connection:
        await connection.run_sync(office.outbox.table.drop)
    async with relay.running():
        relay.notify(LETTERS)
        await eventually(lambda: "cannot be worked on" in caplog.text and "cannot be read" in caplog.text)
        await office.database.create(office.metadata)
        await office.put("a")
        assert await addressee.got(1) == ["a"]


async def test_how_many_messages_wait_is_measured(office: PostOffice, clock: Clock) -> None:
    await office.put("a", "b")
    async with office.relay(Addressee(), PARCELS).running():
        await eventually(lambda: office.value("outbox_pending") == 2)
