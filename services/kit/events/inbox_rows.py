"""The inbox table: what became of each event that arrived. Its primary key, the event's id, is what makes an event count once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Row, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.events.event import Event
from services.kit.events.tables import EventTables
from services.kit.rows import insert_new

KEPT_S = 7 * 86_400.0
"""How long a handled event is remembered: an event that arrives again later than that would be handled again."""
PRUNE_ROWS = 500
MAX_ERROR = 500


class InboxState(StrEnum):
    """`failed` is tried again when the event arrives again; `dead` only when somebody replays it."""

    HANDLED = "handled"
    FAILED = "failed"
    DEAD = "dead"


@dataclass(frozen=True)
class InboxRow:
    """What became of an event; `at` is Unix time in seconds."""

    event_id: str
    type: str
    key: str
    state: InboxState
    attempts: int
    error: str
    at: float
    envelope: str | None
    """As it arrived, of a dead one."""


@dataclass(frozen=True)
class Failure:
    """What an event did not survive, after so many attempts; with its envelope when there will be no other."""

    attempts: int
    error: str
    envelope: str | None = None


class InboxRows:
    """The statements on the table; each is part of its caller's transaction."""

    def __init__(self, tables: EventTables, clock: Callable[[], float] = time.time) -> None:
        self._table = tables.inbox
        self._clock = clock

    async def mark(self, connection: AsyncConnection, event: Event) -> bool:
        """Marks an event handled. False when it needs no handling: it was handled, or is dead."""
        if await insert_new(connection, self._table, self._values(event, InboxState.HANDLED, Failure(1, ""))):
            return True
        failed = self._is(event.id, InboxState.FAILED)
        handled = {"state": InboxState.HANDLED, "handled_at": self._clock()}
        return (await connection.execute(update(self._table).where(failed).values(**handled))).rowcount == 1

    async def keep(self, connection: AsyncConnection, event: Event, failure: Failure) -> None:
        """Keeps why an event was not handled, dead if `failure` has its envelope. One that was handled meanwhile stays so."""
        values = self._values(event, InboxState.FAILED if failure.envelope is None else InboxState.DEAD, failure)
        if not await insert_new(connection, self._table, values):
            await connection.execute(update(self._table).where(self._is(event.id, InboxState.FAILED)).values(**values))

    async def take_dead(self, connection: AsyncConnection, event_id: str) -> bool:
        """Forgets a dead event, for it is to be handled. False when it is not dead, or not any more."""
        dead = self._is(event_id, InboxState.DEAD)
        return (await connection.execute(delete(self._table).where(dead))).rowcount == 1

    async def count_replay(self, connection: AsyncConnection, event_id: str, error: str) -> None:
        """A dead event failed once more."""
        tried = {"attempts": self._table.c.attempts + 1, "error": _shown(error), "handled_at": self._clock()}
        await connection.execute(update(self._table).where(self._is(event_id, InboxState.DEAD)).values(**tried))

    async def find(self, connection: AsyncConnection, event_id: str) -> InboxRow | None:
        """What became of one event; None when it never arrived, or so long ago that it is forgotten."""
        found = (await connection.execute(select(self._table).where(self._table.c.event_id == event_id))).first()
        return None if found is None else _row(found)

    async def page(self, connection: AsyncConnection, after: str, limit: int, state: InboxState | None) -> list[InboxRow]:
        """What became of events, by id, above `after`; with `state` only of those in it."""
        wanted = self._table.c.event_id > after
        if state:
            wanted = and_(wanted, self._table.c.state == state)
        query = select(self._table).where(wanted).order_by(self._table.c.event_id).limit(limit)
        return [_row(each) for each in (await connection.execute(query)).all()]

    async def count_dead(self, connection: AsyncConnection) -> int:
        """How many events are dead."""
        counted = select(func.count()).where(self._table.c.state == InboxState.DEAD)
        dead: int = (await connection.execute(counted)).scalar_one()
        return dead

    async def prune(self, connection: AsyncConnection) -> bool:
        """Forgets events that were handled more than KEPT_S ago, PRUNE_ROWS at most. True when there may be more."""
        table = self._table
        old = and_(table.c.state == InboxState.HANDLED, table.c.handled_at < self._clock() - KEPT_S)
        ids = (await connection.execute(select(table.c.event_id).where(old).limit(PRUNE_ROWS))).scalars().all()
        if ids:
            await connection.execute(delete(table).where(table.c.event_id.in_(ids)))
        return len(ids) == PRUNE_ROWS

    def _is(self, event_id: str, state: InboxState) -> ColumnElement[bool]:
        return and_(self._table.c.event_id == event_id, self._table.c.state == state)

    def _values(self, event: Event, state: InboxState, failure: Failure) -> dict[str, object]:
        return {
            "event_id": event.id,
            "type": event.type,
            "key": event.key,
            "state": state,
            "attempts": failure.attempts,
            "error": _shown(failure.error),
            "envelope": failure.envelope,
            "handled_at": self._clock(),
        }


def storable(text: str) -> str:
    """`text` without what a database takes in no text: NUL, and halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _shown(error: str) -> str:
    return storable(error)[:MAX_ERROR]


def _row(row: Row[tuple[object, ...]]) -> InboxRow:
    state = InboxState(row.state)
    return InboxRow(row.event_id, row.type, row.key, state, row.attempts, row.error, row.handled_at, row.envelope)
