"""The inbox: an event is handled exactly once in effect, however often it arrives and at however many replicas.

Its row and its handler's effect are one transaction. What fails for want of something else (a service that does not answer, a
database that is busy) is the sender's to try again and is not counted. What fails by itself is counted, and after MAX_ATTEMPTS
it is dead: kept with its error, acknowledged, and out of the way of the next event of its key.
"""

import hashlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from observability import names
from observability.telemetry import Telemetry
from services.kit.database import Database
from services.kit.errors import ConflictError, NotFoundError, OverloadedError, RefusedError
from services.kit.events.event import Event, UnreadableEventError, read_event, to_envelope
from services.kit.events.tables import EventTables
from services.kit.events.transient import is_transient
from services.kit.rows import insert_new
from services.kit.uncut import uncut

_log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
"""At an event that fails by itself; with the sender's pauses between them about three seconds."""
MAX_DEAD = 10_000
"""Events that are kept dead. Beyond it senders keep their events, for somebody has to look."""
KEPT_S = 7 * 86_400.0
"""How long a handled event is remembered: an event that arrives again later than that would be handled again."""
PRUNE_ROWS = 500
MAX_ERROR = 500
_UNREADABLE = "unreadable"
_BUSY_RETRY_S = 1

Handler = Callable[[AsyncConnection, Event], Awaitable[None]]
"""Does what an event asks for in the transaction that marks it handled. Raises UnreadableEventError when it never can."""


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


class Inbox:
    """Takes the events of one service.

    Args:
        database: The service's own.
        tables: Its tables.
        handlers: By type of event.
        telemetry: Spans and metrics of every event.
        clock: Unix time, seconds.
    """

    def __init__(
        self,
        database: Database,
        tables: EventTables,
        handlers: Mapping[str, Handler],
        telemetry: Telemetry,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._table = tables.inbox
        self._handlers = handlers
        self._tracer = telemetry.tracer
        self._metrics = telemetry.metrics
        self._clock = clock

    async def receive(self, body: bytes) -> None:
        """Handles one event as it came off the wire. Returns once it need not be sent again: handled, known or dead.

        Raises:
            RefusedError: Its handler failed; it counts, and the event is to be sent again after a pause.
            OverloadedError: Something that the handler needs is missing for now; it does not count.
        """
        try:
            event = read_event(body)
        except UnreadableEventError as error:
            text = body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
            unread = Event(_id_of(body), _UNREADABLE, _UNREADABLE, text, self._clock(), {})
            await uncut(self._bury(unread, text, str(error), attempts=1))
            return
        here = trace.get_current_span().get_span_context().is_valid  # A request's span belongs to the sender's trace already.
        token = context.attach(context.get_current() if here else propagate.extract(event.headers))
        try:
            with self._tracer.start_as_current_span(
                f"process {event.type}",
                kind=SpanKind.CONSUMER,
                attributes={
                    names.ATTR_MESSAGE_OPERATION: "process",
                    names.ATTR_MESSAGE_ID: event.id,
                    names.ATTR_MESSAGE_TOPIC: event.type,
                    names.ATTR_MESSAGE_KEY: event.key,
                },
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                try:
                    outcome = await self._settle(event)
                except (RefusedError, OverloadedError) as error:
                    span.set_status(Status(StatusCode.ERROR, error.detail))
                    raise
                self._metrics.inbox_events.labels(event.type, outcome).inc()
        finally:
            context.detach(token)

    async def page(self, after: str, limit: int, state: InboxState | None = None) -> list[InboxRow]:
        """What became of events, by id, above `after`; with `state` only of those in it."""
        wanted = self._table.c.event_id > after
        if state:
            wanted = and_(wanted, self._table.c.state == state)
        query = select(self._table).where(wanted).order_by(self._table.c.event_id).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            InboxRow(row.event_id, row.type, row.key, InboxState(row.state), row.attempts, row.error, row.handled_at)
            for row in rows
        ]

    async def replay(self, event_id: str) -> None:
        """Handles a dead event after all, once however many do so at the same time.

        Raises:
            NotFoundError: There is no such event.
            ConflictError: It is not dead, or fails again.
        """
        row = self._table.c.event_id == event_id
        async with self._database.read() as connection:
            found = (await connection.execute(select(self._table).where(row))).first()
        if found is None:
            raise NotFoundError(f"event {event_id} never arrived here")
        if found.state != InboxState.DEAD:
            raise ConflictError(f"event {event_id} is not dead but {found.state}")
        try:
            event = read_event(found.envelope.encode())
            await uncut(self._handle_dead(event))
        except UnreadableEventError as error:
            raise ConflictError(f"event {event_id} still cannot be read: {error}") from None
        except Exception as error:
            if isinstance(error, ConflictError) or is_transient(error):
                raise
            _log.exception("%s %s failed again", found.type, found.key)
            raise ConflictError(f"event {event_id} failed again: {_describe(error)}") from error
        await self.count_dead()

    async def count_dead(self) -> int:
        """How many events are dead; also shown as a metric."""
        async with self._database.read() as connection:
            counted = select(func.count()).where(self._table.c.state == InboxState.DEAD)
            dead: int = (await connection.execute(counted)).scalar_one()
        self._metrics.dead_letters.set(dead)
        return dead

    async def prune(self) -> bool:
        """Forgets events that were handled more than KEPT_S ago, PRUNE_ROWS at most. True when there may be more."""
        table = self._table
        old = and_(table.c.state == InboxState.HANDLED, table.c.handled_at < self._clock() - KEPT_S)
        async with self._database.write() as connection:
            ids = (await connection.execute(select(table.c.event_id).where(old).limit(PRUNE_ROWS))).scalars().all()
            if ids:
                await connection.execute(delete(table).where(table.c.event_id.in_(ids)))
        return len(ids) == PRUNE_ROWS

    async def _settle(self, event: Event) -> str:
        """Handles an event, or counts that it failed. Returns what became of it. Raises as `receive`."""
        try:
            return "handled" if await uncut(self._handle(event)) else "duplicate"
        except UnreadableEventError as error:
            await uncut(self._bury(event, to_envelope(event).model_dump_json(), str(error), attempts=1))
            return InboxState.DEAD
        except Exception as error:
            if is_transient(error):
                raise OverloadedError(f"cannot be handled now: {_describe(error)}", _BUSY_RETRY_S) from error
            _log.exception("%s %s failed", event.type, event.key)
            return await self._count_failure(event, _describe(error))

    async def _handle(self, event: Event) -> bool:
        handler = self._handler_of(event)
        async with self._database.write() as connection:
            if not await self._mark(connection, event):
                return False
            await handler(connection, event)
        return True

    def _handler_of(self, event: Event) -> Handler:
        if event.type not in self._handlers:
            raise UnreadableEventError(f"no handler of {event.type}; known: {', '.join(self._handlers) or 'none'}")
        return self._handlers[event.type]

    async def _mark(self, connection: AsyncConnection, event: Event) -> bool:
        """Marks an event handled in the handler's transaction. False when it needs no handling."""
        values = _row(event, InboxState.HANDLED, 1, "", None, self._clock())
        if await insert_new(connection, self._table, values):
            return True
        failed = and_(self._table.c.event_id == event.id, self._table.c.state == InboxState.FAILED)
        return (await connection.execute(update(self._table).where(failed).values(**_DONE))).rowcount == 1

    async def _handle_dead(self, event: Event) -> None:
        handler = self._handler_of(event)
        async with self._database.write() as connection:
            dead = and_(self._table.c.event_id == event.id, self._table.c.state == InboxState.DEAD)
            if (await connection.execute(update(self._table).where(dead).values(**_DONE))).rowcount != 1:
                raise ConflictError(f"event {event.id} is not dead any more")
            await handler(connection, event)

    async def _count_failure(self, event: Event, error: str) -> str:
        async with self._database.read() as connection:
            query = select(self._table.c.attempts).where(self._table.c.event_id == event.id)
            attempts: int = ((await connection.execute(query)).scalar() or 0) + 1
        if attempts >= MAX_ATTEMPTS:
            await uncut(self._bury(event, to_envelope(event).model_dump_json(), error, attempts))
            return InboxState.DEAD
        await uncut(self._keep(_row(event, InboxState.FAILED, attempts, error, None, self._clock())))
        self._metrics.inbox_events.labels(event.type, InboxState.FAILED).inc()
        raise RefusedError(f"attempt {attempts} of {MAX_ATTEMPTS} failed: {error}")

    async def _bury(self, event: Event, envelope: str, error: str, attempts: int) -> None:
        if await self.count_dead() >= MAX_DEAD:
            raise OverloadedError(f"{MAX_DEAD} events are dead already; look at them first", _BUSY_RETRY_S)
        _log.error("%s %s is dead: %s", event.type, event.key, error)
        await self._keep(_row(event, InboxState.DEAD, attempts, error, envelope, self._clock()))
        await self.count_dead()

    async def _keep(self, values: Mapping[str, object]) -> None:
        """Keeps what became of an event that was not handled; one that was handled meanwhile stays so."""
        row = self._table.c.event_id == values["event_id"]
        async with self._database.write() as connection:
            if not await insert_new(connection, self._table, values):
                open_ = and_(row, self._table.c.state == InboxState.FAILED)
                await connection.execute(update(self._table).where(open_).values(**values))


_DONE = {"state": InboxState.HANDLED, "envelope": None}


def _row(event: Event, state: InboxState, attempts: int, error: str, envelope: str | None, at: float) -> dict[str, object]:
    return {
        "event_id": event.id,
        "type": event.type,
        "key": event.key,
        "state": state,
        "attempts": attempts,
        "error": error[:MAX_ERROR],
        "envelope": envelope,
        "handled_at": at,
    }


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0][:MAX_ERROR]


def _id_of(body: bytes) -> str:
    """An id for what has none: the same bytes are the same event, however often they arrive."""
    return str(uuid.UUID(bytes=hashlib.sha256(body).digest()[:16]))
