"""What only a broker can do to events: forget them, refuse a password, be full, and wait for a replica that says nothing."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from services.kit.errors import CallError
from services.kit.events import jetstream, jetstream_layout
from services.kit.events.event import new_event
from services.kit.events.inbox import Inbox
from services.kit.events.jetstream_layout import PARTITIONS, partition_of, subject_of
from tests.nats import PASSWORD
from tests.services.kit.events.conftest import OPENED, Note
from tests.services.kit.events.roads import NatsRoad

if TYPE_CHECKING:
    from tests.services.kit.events.conftest import Town


def road_of(town: Town) -> NatsRoad:
    assert isinstance(town.road, NatsRoad)
    return town.road


def test_a_key_is_in_the_same_part_in_every_process_and_for_ever() -> None:
    assert subject_of("firebreak", "bank", "8b1f", "account.opened") == "firebreak.bank.3.account.opened"
    assert {partition_of(str(number)) for number in range(200)} == set(range(PARTITIONS))


def test_a_system_without_a_broker_imports_no_client_of_one() -> None:
    look = "import sys, services.kit.app; print({'faststream', 'nats'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True).stdout == "set()\n"


@pytest.mark.server
async def test_a_broker_that_lost_its_store_is_given_a_new_stream(nats_town: Town) -> None:
    async with nats_town.both() as shop:
        await nats_town.publish(shop.publisher, 0)
        await nats_town.until_booked([0])
        await nats_town.road.cut()
        road_of(nats_town).server.forget()
        await nats_town.road.mend()
        await nats_town.publish(shop.publisher, 1)
        await nats_town.until_booked([0, 1])


@pytest.mark.server
async def test_an_event_is_handed_to_another_replica_when_one_takes_it_and_says_nothing(
    nats_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive, silent = Inbox.receive, asyncio.Event()

    async def say_nothing_at_first(inbox: Inbox, body: bytes) -> None:
        if not silent.is_set():
            silent.set()
            await asyncio.Event().wait()
        await receive(inbox, body)

    monkeypatch.setattr(Inbox, "receive", say_nothing_at_first)
    monkeypatch.setattr("services.kit.events.jetstream.STOP_S", 0.1)
    road_of(nats_town).ack_wait_s = 0.5
    async with nats_town.both(replicas=2) as shop:
        await nats_town.publish(shop.publisher, 0, 1)
        await nats_town.until_booked([0, 1])


@pytest.mark.server
# The client drops a connection that was refused without closing its end; the server has closed it by then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_refused_password_is_tried_again_and_never_logged(nats_town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    road_of(nats_town).password = "wrong-" + PASSWORD
    async with nats_town.shop() as shop:
        await nats_town.publish(shop.publisher, 0)

        async def is_refused() -> bool:
            return "Authorization Violation" in caplog.text

        await nats_town.until(is_refused)
        assert await nats_town.unsent() == 1
    gc.collect()  # What the client dropped is reported here, and not in somebody else's test.
    assert PASSWORD not in caplog.text


@pytest.mark.server
async def test_a_full_broker_leaves_events_in_the_outbox(nats_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream_layout, "MAX_BYTES", 2_000)
    bus = road_of(nats_town).bus("shop")

    async def refuse(_body: bytes) -> None:
        raise AssertionError

    async with bus.consuming(refuse):

        async def is_connected() -> bool:
            try:
                await bus.send("nats", new_event(OPENED, "k", Note(n=0)))
            except CallError as error:
                return "APIError" in error.detail or "ServiceUnavailable" in error.detail
            return False

        await nats_town.until(is_connected)


@pytest.mark.server
async def test_the_same_event_sent_twice_is_stored_once_for_each_consumer(
    nats_town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = road_of(nats_town).bus("shop")
    event = new_event(OPENED, "k", Note(n=0))

    async def refuse(_body: bytes) -> None:
        raise AssertionError

    async with bus.consuming(refuse):

        async def is_sent() -> bool:
            try:
                await bus.send("nats", event)
            except CallError:
                return False
            return True

        await nats_town.until(is_sent)
        await bus.send("nats", event)
    receive, received = Inbox.receive, 0

    async def count(inbox: Inbox, body: bytes) -> None:
        nonlocal received
        received += 1
        await receive(inbox, body)

    monkeypatch.setattr(Inbox, "receive", count)
    async with nats_town.bank():
        await nats_town.until_booked([0])
    assert received == 1


async def test_a_session_that_takes_its_cancellation_for_something_else_is_ended_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jetstream, "STOP_S", 0.01)
    monkeypatch.setattr(jetstream, "CONNECT_S", 0.01)
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        swallowed += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await jetstream._end(task)
    assert (task.cancelled(), swallowed) == (True, 1)
