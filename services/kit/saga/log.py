"""Where sagas are kept: the present state of each, and the log of how it got there.

A lease (`due_at`) says until when the one who works on a saga is presumed alive; it only saves work. What makes two workers
safe is the version, a fencing token (Kleppmann, "How to do distributed locking", 2016) that every write checks, together with
the saga's id as the idempotency key at every callee. Leases are in Unix time, since replicas share no monotonic clock: a clock
that is set back delays a recovery by as much, and endangers nothing.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from opentelemetry import propagate
from sqlalchemy import (
    Column,
    Double,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.saga.record import FencedError, Saga, SagaState

LEASE_S = 8.0
"""Of who compensates: longer than undoing all steps may take (a second each: services/kit/kit.py, RELAY_POLICY)."""
GRACE_S = 1.0
"""Of who is still running when the deadline passes: the time to write down that it is given up."""
MAX_TEXT = 300
MAX_NOTED = 10
"""Failed attempts at one compensation that the log tells of; the saga itself counts the rest. A callee may be away for days."""
KEPT_S = 30 * 86_400.0
"""How long the log of a finished saga is kept."""
PRUNE_ROWS = 500


class SagaTables:
    """The tables of a service's sagas, in its own metadata."""

    def __init__(self, metadata: MetaData) -> None:
        self.sagas = Table(
            "sagas",
            metadata,
            Column("id", String(36), primary_key=True),
            Column("state", String(20), nullable=False),
            Column("position", Integer, nullable=False),
            Column("version", Integer, nullable=False),
            Column("deadline_at", Double, nullable=False),
            Column("due_at", Double, index=True),  # When anybody may take it; NULL once it is finished.
            Column("owner", String(60), nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("reason", String(MAX_TEXT), nullable=False),
            Column("trace_headers", Text, nullable=False),
            Column("undone", Integer, nullable=False, server_default="0"),
        )
        self.log = Table(
            "saga_log",
            metadata,
            Column("saga_id", String(36), primary_key=True),
            Column("version", Integer, primary_key=True, autoincrement=False),
            Column("at", Double, nullable=False, index=True),
            Column("owner", String(60), nullable=False),
            Column("entry", String(MAX_TEXT), nullable=False),
        )


@dataclass(frozen=True)
class Entry:
    """One line of the log: what `owner` wrote, and when (Unix seconds)."""

    saga_id: str
    version: int
    at: float
    owner: str
    entry: str


class SagaLog:
    """Reads and writes sagas on behalf of one process.

    Args:
        database: The service's own.
        tables: Its tables.
        owner: Name of the process; the same after a restart, so that it finds what it left behind.
        clock: Unix time, seconds.
    """

    def __init__(self, database: Database, tables: SagaTables, owner: str, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self.now = clock
        self._sagas = tables.sagas
        self._log = tables.log
        self._owner = owner
        # Made once: an order is moved five times, and to make a statement costs as much as to execute it.
        still = and_(self._sagas.c.id == bindparam("saga_id_"), self._sagas.c.version == bindparam("version_"))
        self._move = update(self._sagas).where(still)
        self._line = insert(self._log)
        self._opening = insert(self._sagas)
        self._one = select(self._sagas).where(self._sagas.c.id == bindparam("saga_id_"))
        self._open = select(func.count()).where(self._sagas.c.due_at.is_not(None))
        by_turn = (
            select(self._sagas).order_by(self._sagas.c.attempts, self._sagas.c.due_at).limit(bindparam("limit_", type_=Integer))
        )
        self._due = by_turn.where(self._sagas.c.due_at <= bindparam("now_"))
        self._left = by_turn.where(self._sagas.c.due_at.is_not(None), self._sagas.c.owner == bindparam("owner_"))

    async def begin(self, connection: AsyncConnection, saga_id: str, deadline_at: float) -> Saga:
        """Opens a saga in the caller's transaction, leased to this process until a moment after its deadline."""
        headers: dict[str, str] = {}
        propagate.inject(headers)
        saga = Saga(saga_id, SagaState.RUNNING, 0, 0, deadline_at, 0, "", headers)
        named = {"id": saga_id, "trace_headers": json.dumps(headers)}
        await connection.execute(self._opening, named | _values(saga, deadline_at + GRACE_S, self._owner))
        await self._note(connection, saga, "begun")
        return saga

    async def write(self, connection: AsyncConnection, before: Saga, after: Saga, entry: str, due_at: float | None) -> Saga:
        """Moves a saga from `before` to `after` in the caller's transaction.

        Args:
            connection: An open transaction. What it changes besides is fenced with it.
            before: As it was read or written last.
            after: As it is to be; its version is set here.
            entry: What happened, for the log.
            due_at: When anybody else may take it (Unix seconds); None: it is finished.

        Returns:
            `after` with its version.

        Raises:
            FencedError: Somebody else wrote it since. The transaction must be rolled back, which leaving it by this error does.
        """
        written = replace(after, version=before.version + 1)
        mine = {"saga_id_": before.id, "version_": before.version}
        moved = await connection.execute(self._move, mine | _values(written, due_at, self._owner))
        if moved.rowcount != 1:
            raise FencedError(before.id)
        if before.attempts < MAX_NOTED or after.attempts == 0:
            await self._note(connection, written, entry)
        return written

    async def find(self, saga_id: str) -> Saga | None:
        """One saga."""
        async with self.database.read() as connection:
            row = (await connection.execute(self._one, {"saga_id_": saga_id})).first()
        return _saga(row) if row else None

    async def take_due(self, limit: int) -> list[Saga]:
        """Takes over open sagas that nobody is presumed to work on, at most `limit`."""
        return await self.take(await self._find(self._due, {"now_": self.now(), "limit_": limit}))

    async def left_behind(self, limit: int) -> list[Saga]:
        """Open sagas of a process of this name. Read before this one begins any: whoever began them is dead."""
        return await self._find(self._left, {"owner_": self._owner, "limit_": limit})

    async def take(self, sagas: list[Saga]) -> list[Saga]:
        """Takes over those of `sagas` that nobody has moved since they were read."""
        return [taken for saga in sagas if (taken := await self._take_one(saga))]

    async def release(self, saga: Saga) -> None:
        """Lets anybody take a saga at once. Nothing happens if somebody else has it already."""
        try:
            async with self.database.write() as connection:
                await self.write(connection, saga, saga, "released", self.now())
        except FencedError:
            return

    async def count_open(self) -> int:
        """How many sagas are not finished."""
        async with self.database.read() as connection:
            count: int = (await connection.execute(self._open)).scalar_one()
            return count

    async def prune(self) -> bool:
        """Removes lines of finished sagas that are older than KEPT_S, PRUNE_ROWS at most. True when there may be more."""
        log, sagas = self._log.c, self._sagas.c
        joined = self._log.join(self._sagas, sagas.id == log.saga_id)
        old = and_(log.at < self.now() - KEPT_S, sagas.due_at.is_(None))
        query = select(log.saga_id, log.version).select_from(joined).where(old).limit(PRUNE_ROWS)
        async with self.database.write() as connection:
            lines = [tuple(row) for row in (await connection.execute(query)).all()]
            if lines:
                await connection.execute(delete(self._log).where(tuple_(log.saga_id, log.version).in_(lines)))
        return len(lines) == PRUNE_ROWS

    async def page(self, after: tuple[str, int], limit: int) -> list[Entry]:
        """The log, by saga and version, above `after`."""
        saga_id, version = after
        log = self._log.c
        above = (log.saga_id > saga_id) | ((log.saga_id == saga_id) & (log.version > version))
        query = select(self._log).where(above).order_by(log.saga_id, log.version).limit(limit)
        async with self.database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [Entry(row.saga_id, row.version, row.at, row.owner, row.entry) for row in rows]

    async def _find(self, query: Select[tuple[object, ...]], wanted: Mapping[str, object]) -> list[Saga]:
        async with self.database.read() as connection:  # Most often there is none: then nobody waits for the writer's lock.
            return [_saga(row) for row in (await connection.execute(query, wanted)).all()]

    async def _take_one(self, saga: Saga) -> Saga | None:
        due_at = max(self.now() + LEASE_S, saga.deadline_at + GRACE_S if saga.state is SagaState.RUNNING else 0.0)
        try:
            async with self.database.write() as connection:
                return await self.write(connection, saga, saga, "taken over", due_at)
        except FencedError:
            return None

    async def _note(self, connection: AsyncConnection, saga: Saga, entry: str) -> None:
        line = {"saga_id": saga.id, "version": saga.version, "at": self.now(), "owner": self._owner, "entry": entry[:MAX_TEXT]}
        await connection.execute(self._line, line)


def _values(saga: Saga, due_at: float | None, owner: str) -> dict[str, object]:
    return {
        "state": saga.state,
        "position": saga.position,
        "version": saga.version,
        "deadline_at": saga.deadline_at,
        "due_at": due_at,
        "owner": owner,
        "attempts": saga.attempts,
        "reason": saga.reason[:MAX_TEXT],
        "undone": saga.undone,
    }


def _saga(row: Row[tuple[object, ...]]) -> Saga:
    headers = json.loads(row.trace_headers)
    return Saga(
        row.id, SagaState(row.state), row.position, row.version, row.deadline_at, row.attempts, row.reason, headers, row.undone
    )
