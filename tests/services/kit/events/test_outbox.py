"""The outbox: who may send which event, in what order, how often, and how many may wait."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest
from pydantic import BaseModel
from sqlalchemy import select

from services.kit.errors import ConflictError, ServiceError, UnreachableError
from services.kit.events import claims as claims_module
from services.kit.events import publisher as publisher_module
from services.kit.events.claims import CLAIM_S, KEPT_S, Claims, PutOff, Unsent
from services.kit.events.dispatcher import Dispatcher
from services.kit.events.event import MAX_PAYLOAD_BYTES
from services.kit.events.publisher import BacklogFullError, Publisher
from tests.services.kit.events.conftest import BOUND_S, OPENED, Note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from services.kit.database import Database
    from services.kit.events.bus import Receive
    from services.kit.events.event import Event
    from tests.services.kit.conftest import HandClock, Watched
    from tests.services.kit.events.conftest import Ledger


class Text(BaseModel):
    text: str


class Van:
    """A bus that does what a test says, and keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.tried: list[str] = []
        self.fail: Callable[[Event], ServiceError | None] = lambda _event: None
        self.hold: asyncio.Event | None = None

    def destinations(self, event_type: str) -> tuple[str, ...]:
        if event_type != OPENED:
            raise ValueError(event_type)
        return ("bank",)

    def all_destinations(self) -> tuple[str, ...]:
        return ("bank",)

    async def send(self, destination: str, event: Event) -> None:
        self.tried.append(event.key)
        if self.hold:
            await self.hold.wait()
        error = self.fail(event)
        if error:
            raise error
        self.sent.append(event.key)

    @asynccontextmanager
    async def consuming(self, receive: Receive) -> AsyncIterator[None]:
        yield


class Depot:
    """One outbox with what works on it."""

    def __init__(self, database: Database, ledger: Ledger, watched: Watched, clock: HandClock) -> None:
        self.database, self.tables, self.van = database, ledger.tables, Van()
        self.claims = Claims(ledger.tables, clock)
        self._watched = watched
        self.dispatcher = self.replica()
        self.publisher = Publisher(ledger.tables, self.van, self.dispatcher)

    def replica(self) -> Dispatcher:
        return Dispatcher(self.database, Claims(self.tables), self.van, self._watched.telemetry)

    async def publish(self, *keys: str) -> None:
        for key in keys:
            async with self.database.write() as connection:
                await self.publisher.publish(connection, OPENED, key=key, payload=Note(n=0))

    async def claim(self, limit: int = 10) -> list[Unsent]:
        async with self.database.write() as connection:
            return await self.claims.claim(connection, "bank", limit)

    async def sent(self, *unsent: Unsent) -> None:
        async with self.database.write() as connection:
            await self.claims.sent(connection, unsent)

    async def rows(self) -> list[tuple[str, bool]]:
        """(key, whether it was sent) of every row."""
        table = self.tables.outbox
        async with self.database.read() as connection:
            found = (await connection.execute(select(table).order_by(table.c.id))).all()
        return [(row.key, row.sent_at is not None) for row in found]

    async def until(self, holds: Callable[[], bool]) -> None:
        until_s = time.monotonic() + BOUND_S
        while not holds():
            assert time.monotonic() < until_s
            await asyncio.sleep(0.01)

    async def until_all_are_marked(self) -> None:
        """Until every row says that its event was sent: that is written once it has been."""
        until_s = time.monotonic() + BOUND_S
        while not all(is_sent for _, is_sent in await self.rows()):
            assert time.monotonic() < until_s
            await asyncio.sleep(0.01)


@pytest.fixture
def depot(database: Database, ledger: Ledger, watched: Watched, clock: HandClock) -> Depot:
    return Depot(database, ledger, watched, clock)


def keys(unsent: list[Unsent]) -> list[str]:
    return [each.event.key for each in unsent]


async def test_only_the_oldest_unsent_event_of_a_key_can_be_claimed(depot: Depot) -> None:
    await depot.publish("a", "a", "b", "a", "b")
    first = await depot.claim()
    assert keys(first) == ["a", "b"]
    assert await depot.claim() == []
    await depot.sent(*first)
    assert keys(await depot.claim()) == ["a", "b"]


async def test_a_claim_that_ran_out_is_anybodys(depot: Depot, clock: HandClock) -> None:
    await depot.publish("a")
    await depot.claim()
    clock.now_s += CLAIM_S - 0.1
    assert await depot.claim() == []
    clock.now_s += 0.1
    assert keys(await depot.claim()) == ["a"]


async def test_two_replicas_never_claim_the_same_event(depot: Depot) -> None:
    await depot.publish(*"abcdefgh")
    claimed = await asyncio.gather(*(depot.claim(3) for _ in range(4)))
    assert sorted(key for each in claimed for key in keys(each)) == sorted(set("abcdefgh"))


async def test_what_is_put_off_waits_with_all_of_its_key_and_counts_its_attempts(depot: Depot, clock: HandClock) -> None:
    await depot.publish("a", "a", "b")
    (a, _b) = await depot.claim()
    async with depot.database.write() as connection:
        await depot.claims.put_off(connection, [PutOff(a, 60.0)])
    clock.now_s += 59.0
    assert keys(await depot.claim()) == ["b"]
    clock.now_s += 1.0
    (again,) = [each for each in await depot.claim() if each.event.key == "a"]
    assert (again.row, again.attempts) == (a.row, 1)


async def test_what_is_released_is_free_at_once_unless_somebody_else_holds_it_by_now(depot: Depot, clock: HandClock) -> None:
    await depot.publish("a")
    mine = await depot.claim()
    clock.now_s += CLAIM_S
    theirs = await depot.claim()
    async with depot.database.write() as connection:
        await depot.claims.release(connection, mine)
    assert await depot.claim() == []
    async with depot.database.write() as connection:
        await depot.claims.release(connection, theirs)
    assert keys(await depot.claim()) == ["a"]


async def test_what_was_sent_long_ago_is_removed_and_what_waits_never(
    depot: Depot, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "PRUNE_ROWS", 2)
    await depot.publish(*"abcd")
    await depot.sent(*(await depot.claim(3)))
    clock.now_s += KEPT_S - 1

    async def prune() -> bool:
        async with depot.database.write() as connection:
            return await depot.claims.prune(connection)

    assert not await prune()
    assert len(await depot.rows()) == 4
    clock.now_s += 2
    assert [await prune(), await prune()] == [True, False]
    assert await depot.rows() == [("d", False)]


async def test_a_full_backlog_refuses_the_change_that_it_would_be_told_of(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "MAX_UNSENT", 2)
    depot.van.fail = lambda _event: UnreachableError("shop->bank", "down")
    await depot.publish("a", "b")
    async with depot.dispatcher.running():
        await depot.until(lambda: depot.dispatcher.waiting.get("bank") == 2)
        with pytest.raises(BacklogFullError, match="2 events wait for bank"):
            await depot.publish("c")
        with pytest.raises(BacklogFullError):
            depot.publisher.check_room(OPENED)
        async with depot.database.write() as connection:  # What ends something that was begun is told of all the same.
            await depot.publisher.publish(connection, OPENED, key="d", payload=Text(text=""), regardless=True)
    assert [key for key, _ in await depot.rows()] == ["a", "b", "d"]


async def test_a_commit_wakes_nobody_but_those_whom_it_tells(depot: Depot, ledger: Ledger) -> None:
    woken: list[set[str]] = []

    class Bell:
        waiting: Mapping[str, int] = {}

        def wake(self, destinations: set[str]) -> None:
            woken.append(destinations)

    publisher = Publisher(ledger.tables, depot.van, cast("Dispatcher", Bell()))
    async with depot.database.write():
        pass
    publisher.wake()
    assert woken == []
    async with depot.database.write() as connection:
        await publisher.publish(connection, OPENED, key="a", payload=Note(n=0))
        publisher.wake()  # Somebody else's commit, before there is anything to be found of this one.
        assert woken == []
    publisher.wake()
    publisher.wake()
    assert woken == [{"bank"}]


async def test_what_no_consumer_would_take_is_not_published(depot: Depot) -> None:
    async with depot.database.write() as connection:
        for event_type, key, text, message in (
            (OPENED, "k", "x" * MAX_PAYLOAD_BYTES, "more than 16384 bytes"),
            (OPENED, "k", "\U0001f355" * (MAX_PAYLOAD_BYTES // 4), "more than 16384 bytes"),
            (OPENED, "a key with spaces", "", "key"),
            ("account.closed", "k", "", "account.closed"),
        ):
            with pytest.raises(ValueError, match=message):
                await depot.publisher.publish(connection, event_type, key=key, payload=Text(text=text))
    assert await depot.rows() == []


async def test_while_a_destination_is_down_one_event_is_tried_at_a_time_and_then_all_go(depot: Depot) -> None:
    down = True
    depot.van.fail = lambda _event: UnreachableError("shop->bank", "down") if down else None
    await depot.publish(*"abcdef")
    async with depot.dispatcher.running():
        await depot.until(lambda: len(depot.van.tried) >= 6)
        down = False
        await depot.until_all_are_marked()
    assert sorted(depot.van.sent) == list("abcdef")


async def test_an_event_that_is_refused_holds_up_those_of_its_key_alone(depot: Depot) -> None:
    depot.van.fail = lambda event: ConflictError("no") if event.key == "a" else None
    await depot.publish("a", "a", "b", "c")
    async with depot.dispatcher.running():
        await depot.until(lambda: len(depot.van.sent) == 2)
    assert sorted(depot.van.sent) == ["b", "c"]


async def test_what_a_relay_holds_when_it_ends_another_can_send_at_once(depot: Depot) -> None:
    depot.van.hold = asyncio.Event()
    await depot.publish("a")
    async with depot.dispatcher.running():
        await depot.until(lambda: depot.van.tried == ["a"])
    depot.van.hold = None
    async with depot.database.write() as connection:
        assert keys(await Claims(depot.tables).claim(connection, "bank", 1)) == ["a"]


async def test_two_relays_on_one_outbox_send_every_event_once_and_keep_the_order_of_keys(depot: Depot) -> None:
    other = depot.replica()
    await depot.publish(*"abab", *"cdcd")
    async with depot.dispatcher.running(), other.running():
        await depot.until(lambda: len(depot.van.sent) == 8)
    assert sorted(depot.van.sent) == sorted("ababcdcd")
