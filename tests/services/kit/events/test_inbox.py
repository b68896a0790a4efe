"""The inbox: what an event does and that it was done are one change; what cannot be done is kept, counted and replayed."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from observability import names
from services.kit.errors import ConflictError, NotFoundError, OverloadedError, RefusedError, UnreachableError
from services.kit.events import inbox as inbox_module
from services.kit.events import inbox_rows
from services.kit.events.event import MAX_PAYLOAD_BYTES, UnreadableEventError
from services.kit.events.inbox import MAX_ATTEMPTS, Inbox
from services.kit.events.inbox_rows import InboxState
from tests.services.kit.events.conftest import OPENED

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.kit.database import Database
    from services.kit.events.event import Event
    from tests.services.kit.conftest import HandClock, Watched
    from tests.services.kit.events.conftest import Ledger


class Desk:
    """An inbox over one database, and what it says of events."""

    def __init__(self, database: Database, ledger: Ledger, watched: Watched, clock: HandClock) -> None:
        self.ledger, self.database = ledger, database
        self.woken = 0
        self.inbox = Inbox(database, ledger.tables, {OPENED: ledger.handle}, watched.telemetry, self._wake, clock)

    def _wake(self) -> None:
        self.woken += 1

    async def states(self) -> list[tuple[str, int]]:
        return [(row.state, row.attempts) for row in await self.inbox.page("", 100)]

    async def booked(self) -> list[int]:
        return await self.ledger.booked(self.database)

    async def bury(self) -> str:
        """An event that is dead, and its id."""
        self.ledger.act = raising(RuntimeError("no"))
        body = envelope()
        for _ in range(MAX_ATTEMPTS - 1):
            with pytest.raises(RefusedError):
                await self.inbox.receive(body)
        await self.inbox.receive(body)
        return str(json.loads(body)["id"])


def raising(error: Exception) -> Callable[[int], None]:
    def act(_n: int) -> None:
        raise error

    return act


def envelope(payload: str = '{"n": 1}', event_type: str = OPENED) -> bytes:
    told = {"id": str(uuid.uuid4()), "type": event_type, "key": "k", "occurred_at": 1.0, "payload": payload}
    return json.dumps(told).encode()


@pytest.fixture
def desk(database: Database, ledger: Ledger, watched: Watched, clock: HandClock) -> Desk:
    return Desk(database, ledger, watched, clock)


async def test_an_event_that_arrives_again_changes_nothing_and_the_relay_is_woken(desk: Desk) -> None:
    body = envelope()
    await desk.inbox.receive(body)
    assert desk.woken
    await desk.inbox.receive(body)
    assert await desk.booked() == [1]
    assert await desk.states() == [("handled", 1)]


async def test_an_event_that_arrives_at_two_replicas_at_once_takes_effect_once(desk: Desk) -> None:
    body = envelope()
    await asyncio.gather(*(desk.inbox.receive(body) for _ in range(4)))
    assert await desk.booked() == [1]


async def test_a_handler_that_fails_after_writing_leaves_nothing_but_the_count_of_its_failures(desk: Desk) -> None:
    desk.ledger.act = raising(RuntimeError("no"))
    with pytest.raises(RefusedError, match=f"attempt 1 of {MAX_ATTEMPTS} failed: RuntimeError: no"):
        await desk.inbox.receive(envelope())
    assert await desk.booked() == []
    assert await desk.states() == [("failed", 1)]


async def test_an_event_that_failed_is_handled_when_it_arrives_again(desk: Desk) -> None:
    body = envelope()
    desk.ledger.act = raising(RuntimeError("no"))
    with pytest.raises(RefusedError):
        await desk.inbox.receive(body)
    desk.ledger.act = lambda _n: None
    await desk.inbox.receive(body)
    await desk.inbox.receive(body)
    assert await desk.booked() == [1]
    assert [state for state, _ in await desk.states()] == ["handled"]


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError("bank->mint", "down"),
        OverloadedError("busy", 1),
        OperationalError("INSERT", None, ConnectionResetError()),
    ],
)
async def test_what_fails_for_want_of_something_else_is_not_counted(desk: Desk, error: Exception) -> None:
    desk.ledger.act = raising(error)
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(OverloadedError):
            await desk.inbox.receive(envelope())
    assert await desk.states() == []


async def test_an_event_is_dead_after_its_last_attempt_and_acknowledged_from_then_on(desk: Desk, watched: Watched) -> None:
    event_id = await desk.bury()
    (again,) = await desk.inbox.page("", 10, InboxState.DEAD)
    await desk.inbox.receive((again.envelope or "").encode())
    (dead,) = await desk.inbox.page("", 10, InboxState.DEAD)
    assert (dead.event_id, dead.attempts, dead.error) == (event_id, MAX_ATTEMPTS, "RuntimeError: no")
    assert watched.metric("inbox_dead_letters") == 1


async def test_an_error_is_kept_without_what_a_database_takes_in_no_text(desk: Desk) -> None:
    desk.ledger.act = raising(RuntimeError("a\0b\ud800" + "x" * 10_000))
    with pytest.raises(RefusedError):
        await desk.inbox.receive(envelope())
    (row,) = await desk.inbox.page("", 10)
    assert row.error.startswith("RuntimeError: a\N{REPLACEMENT CHARACTER}b?x")
    assert len(row.error) == inbox_rows.MAX_ERROR


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0\0",
        b"\xff\xfe\x80",
        b"{" * 65_536,
        b"[]",
        b'{"id": 1}',
        envelope("x" * (MAX_PAYLOAD_BYTES + 1)),
        json.dumps({"id": str(uuid.uuid4()), "type": OPENED, "key": "k\0", "occurred_at": 1.0, "payload": "{}"}).encode(),
    ],
    ids=["empty", "nul", "no utf-8", "64 KiB", "no object", "no event", "too large a payload", "nul in the key"],
)
async def test_what_is_no_event_is_kept_dead_once_however_often_it_arrives(desk: Desk, body: bytes) -> None:
    await desk.inbox.receive(body)
    await desk.inbox.receive(body)
    assert await desk.states() == [("dead", 1)]


@pytest.mark.parametrize("payload", ["", "null", '{"n": "\\u0000"}', "\0", '{"n": 1e999}', "\U0001f355"])
async def test_a_payload_that_cannot_be_read_is_dead_at_once_and_kept_whole(desk: Desk, payload: str) -> None:
    await desk.inbox.receive(envelope(payload))
    (dead,) = await desk.inbox.page("", 10, InboxState.DEAD)
    assert json.loads(dead.envelope or "")["payload"] == payload


async def test_an_event_of_a_type_that_nobody_handles_is_dead_and_says_what_is_known(desk: Desk) -> None:
    await desk.inbox.receive(envelope(event_type="account.closed"))
    (dead,) = await desk.inbox.page("", 10, InboxState.DEAD)
    assert dead.error == f"no handler of account.closed; known: {OPENED}"


async def test_a_dead_event_is_replayed_once_though_two_replay_it_at_a_time(desk: Desk) -> None:
    event_id = await desk.bury()
    desk.ledger.act = lambda _n: None
    answers = await asyncio.gather(*(desk.inbox.replay(event_id) for _ in range(2)), return_exceptions=True)
    assert [type(answer) for answer in answers if answer] == [ConflictError]
    assert await desk.booked() == [1]
    assert await desk.states() == [("handled", 1)]


async def test_a_replay_that_fails_says_why_and_leaves_the_event_dead(desk: Desk) -> None:
    event_id = await desk.bury()
    desk.ledger.act = raising(RuntimeError("still no"))
    with pytest.raises(ConflictError, match="failed again: RuntimeError: still no"):
        await desk.inbox.replay(event_id)
    (dead,) = await desk.inbox.page("", 10, InboxState.DEAD)
    assert (dead.attempts, dead.error) == (MAX_ATTEMPTS + 1, "RuntimeError: still no")


async def test_what_could_not_be_read_is_replayed_under_its_own_id_once_it_can_be(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_new(_body: bytes) -> Event:
        raise UnreadableEventError("too new")

    body = envelope()
    with monkeypatch.context() as older:
        older.setattr(inbox_module, "read_event", too_new)
        await desk.inbox.receive(body)
    (dead,) = await desk.inbox.page("", 10, InboxState.DEAD)
    await desk.inbox.replay(dead.event_id)
    (row,) = await desk.inbox.page("", 10)
    assert (row.event_id, row.state) == (json.loads(body)["id"], InboxState.HANDLED)
    assert await desk.booked() == [1]


async def test_only_what_is_dead_can_be_replayed(desk: Desk) -> None:
    body = envelope()
    await desk.inbox.receive(body)
    with pytest.raises(ConflictError, match="is not dead but handled"):
        await desk.inbox.replay(json.loads(body)["id"])
    with pytest.raises(NotFoundError, match="never arrived here"):
        await desk.inbox.replay(str(uuid.uuid4()))


async def test_when_too_many_events_are_dead_senders_keep_theirs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_DEAD", 2)
    for number in range(2):
        await desk.inbox.receive(f"poison {number}".encode())
    with pytest.raises(OverloadedError, match="2 events are dead already"):
        await desk.inbox.receive(b"one more")
    assert len(await desk.states()) == 2


async def test_handled_events_are_forgotten_in_time_and_dead_ones_never(desk: Desk, clock: HandClock) -> None:
    clock.now_s = inbox_rows.KEPT_S * 2
    await desk.inbox.receive(b"poison")
    await desk.inbox.receive(envelope())
    clock.now_s += inbox_rows.KEPT_S - 1
    await desk.inbox.prune()
    assert len(await desk.states()) == 2
    clock.now_s += 2
    assert not await desk.inbox.prune()
    assert [state for state, _ in await desk.states()] == ["dead"]


async def test_a_batch_that_is_full_says_that_there_may_be_more_to_forget(
    desk: Desk, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_rows, "PRUNE_ROWS", 2)
    for _ in range(3):
        await desk.inbox.receive(envelope())
    clock.now_s += inbox_rows.KEPT_S + 1
    assert [await desk.inbox.prune() for _ in range(2)] == [True, False]
    assert await desk.states() == []


async def test_types_that_whoever_sends_invents_share_a_label(desk: Desk, watched: Watched) -> None:
    for number in range(3):
        await desk.inbox.receive(envelope(event_type=f"invented.{number}"))
    await desk.inbox.receive(b"no event at all")
    counted = {
        sample.labels["event"]: sample.value
        for family in watched.telemetry.metrics.registry.collect()
        for sample in family.samples
        if sample.name == names.INBOX_EVENTS
    }
    assert counted == {"unknown": 4}
