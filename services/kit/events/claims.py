"""Which relay holds which unsent event, and for how long.

Only the oldest unsent event of a key can be held, so that a consumer gets the events of one key in their order. Claims keep
replicas from doing the same work; that they run out is why an event may be sent twice, and the consumer's inbox why that is
harmless.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Float, Integer, Row, Select, String, Table, and_, bindparam, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.events.event import Event, decode_headers
from services.kit.events.tables import EventTables

CLAIM_S = 5.0
"""How long a relay may keep an event to itself; longer than handing it on may take, shorter than anybody's patience."""
KEPT_S = 3_600.0
"""How long an event stays after it was sent: whoever compares what was sent with what was handled reads it."""
PRUNE_ROWS = 500


@dataclass(frozen=True, slots=True)
class Unsent:
    """An event that one relay holds until `claimed_until` (Unix time)."""

    row: int
    event: Event
    attempts: int
    claimed_until: float


@dataclass(frozen=True, slots=True)
class PutOff:
    """An event that was not taken, and the least time until it is tried again."""

    unsent: Unsent
    pause_s: float


class Claims:
    """The relay's side of the outbox table."""

    def __init__(self, tables: EventTables, clock: Callable[[], float] = time.time) -> None:
        self._table = tables.outbox
        # Made once: they are asked several times for each event, and to make one costs several times what it costs to ask.
        self._free_heads = _free_heads(tables.outbox)
        self._these = update(tables.outbox).where(tables.outbox.c.id.in_(bindparam("rows_", expanding=True)))
        unsent = select(tables.outbox.c.destination, func.count().label("waiting")).where(tables.outbox.c.sent_at.is_(None))
        self._waiting = unsent.group_by(tables.outbox.c.destination)
        self._clock = clock

    async def claim(self, connection: AsyncConnection, destination: str, limit: int) -> list[Unsent]:
        """The oldest events for `destination` that are first of their key and held by nobody; now held for CLAIM_S."""
        now = self._clock()
        wanted = {"destination_": destination, "now_": now, "limit_": limit}
        rows = (await connection.execute(self._free_heads, wanted)).all()
        if rows:
            await connection.execute(self._these, {"rows_": [row.id for row in rows], "claimed_until": now + CLAIM_S})
        return [_unsent(row, now + CLAIM_S) for row in rows]

    async def sent(self, connection: AsyncConnection, unsent: Sequence[Unsent]) -> None:
        """They arrived."""
        if unsent:
            await connection.execute(self._these, {"rows_": [each.row for each in unsent], "sent_at": self._clock()})

    async def put_off(self, connection: AsyncConnection, put_off: Sequence[PutOff]) -> None:
        """They did not arrive; anybody may try again after the pause."""
        now = self._clock()
        for each in put_off:
            mine = update(self._table).where(self._table.c.id == each.unsent.row)
            await connection.execute(mine.values(claimed_until=now + each.pause_s, attempts=each.unsent.attempts + 1))

    async def release(self, connection: AsyncConnection, unsent: Sequence[Unsent]) -> None:
        """This relay ends; what it holds is free at once, unless somebody else holds it by now."""
        for each in unsent:
            mine = and_(self._table.c.id == each.row, self._table.c.claimed_until == each.claimed_until)
            await connection.execute(update(self._table).where(mine).values(claimed_until=0.0))

    async def waiting(self, connection: AsyncConnection) -> dict[str, int]:
        """How many events wait, by destination."""
        return {row.destination: row.waiting for row in (await connection.execute(self._waiting)).all()}

    async def prune(self, connection: AsyncConnection) -> bool:
        """Removes what was sent more than KEPT_S ago, PRUNE_ROWS at most. True when there may be more.

        Only the oldest rows are looked at: events are sent about in the order in which they are written, and so no index of
        the time of sending has to be kept up.
        """
        table = self._table
        oldest = select(table.c.id, table.c.sent_at).where(table.c.sent_at.is_not(None)).order_by(table.c.id).limit(PRUNE_ROWS)
        before = self._clock() - KEPT_S
        old = [row.id for row in (await connection.execute(oldest)).all() if row.sent_at < before]
        if old:
            await connection.execute(delete(table).where(table.c.id.in_(old)))
        return len(old) == PRUNE_ROWS


def _unsent(row: Row[tuple[object, ...]], claimed_until: float) -> Unsent:
    event = Event(row.event_id, row.type, row.key, row.payload, row.occurred_at, decode_headers(row.headers))
    return Unsent(row.id, event, row.attempts, claimed_until)


def _free_heads(table: Table) -> Select[tuple[object, ...]]:
    """Finds what `claim` takes."""
    older, destination = table.alias("older"), bindparam("destination_", type_=String)
    first_of_key = ~exists().where(
        and_(
            older.c.destination == destination,
            older.c.key == table.c.key,
            older.c.sent_at.is_(None),
            older.c.id < table.c.id,
        )
    )
    held_until_now = table.c.claimed_until <= bindparam("now_", type_=Float)
    free = and_(table.c.destination == destination, table.c.sent_at.is_(None), held_until_now, first_of_key)
    heads = select(table).where(free).order_by(table.c.id).limit(bindparam("limit_", type_=Integer))
    return heads.with_for_update(skip_locked=True, of=table)
