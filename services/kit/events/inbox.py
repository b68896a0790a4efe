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

from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from sqlalchemy.ext.asyncio import AsyncConnection

from observability import names
from observability.telemetry import Telemetry
from services.kit.database import Database
from services.kit.errors import ConflictError, NotFoundError, OverloadedError, RefusedError
from services.kit.events.event import Event, UnreadableEventError, read_event, to_envelope
from services.kit.events.inbox_rows import MAX_ERROR, Failure, InboxRow, InboxRows, InboxState, storable
from services.kit.events.tables import EventTables
from services.kit.events.transient import is_transient
from services.kit.uncut import uncut

_log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
"""At an event that fails by itself; with the sender's pauses between them about two seconds."""
MAX_DEAD = 10_000
"""Events that are kept dead. Beyond it senders keep their events, for somebody has to look."""
UNREADABLE = "unreadable"
"""The type and the key of what has none."""
UNKNOWN = "unknown"
"""In metrics, the type of what no handler is of."""
DUPLICATE = "duplicate"
"""What became of an event that had arrived before, in metrics; else it is an InboxState."""
_BUSY_RETRY_S = 1

Handler = Callable[[AsyncConnection, Event], Awaitable[None]]
"""Does what an event asks for in the transaction that marks it handled. Raises UnreadableEventError when it never can."""


class Inbox:
    """Takes the events of one service.

    Args:
        database: The service's own.
        tables: Its tables.
        handlers: By type of event.
        telemetry: Spans and metrics of every event.
        wake: Called after an event was handled, for its handler may have published some.
        clock: Unix time, seconds.
    """

    def __init__(
        self,
        database: Database,
        tables: EventTables,
        handlers: Mapping[str, Handler],
        telemetry: Telemetry,
        wake: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._rows = InboxRows(tables, clock)
        self._handlers = handlers
        self._tracer = telemetry.tracer
        self._metrics = telemetry.metrics
        self._wake = wake
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
            text = storable(body.decode("utf-8", "replace"))
            unread = Event(_id_of(body), UNREADABLE, UNREADABLE, text, self._clock(), {})
            await self._bury(unread, Failure(1, str(error), text))
            return
        here = trace.get_current_span().get_span_context().is_valid  # A request's span belongs to the sender's trace already.
        token = context.attach(context.get_current() if here else propagate.extract(event.headers))
        try:
            await self._process(event)
        finally:
            context.detach(token)

    async def replay(self, event_id: str) -> None:
        """Handles a dead event after all, once however many do so at the same time.

        Raises:
            NotFoundError: There is no such event.
            ConflictError: It is not dead, or fails again.
            OverloadedError: Something that the handler needs is missing for now.
        """
        async with self._database.read() as connection:
            found = await self._rows.find(connection, event_id)
        if found is None:
            raise NotFoundError(f"event {event_id} never arrived here")
        if found.state is not InboxState.DEAD:
            raise ConflictError(f"event {event_id} is not dead but {found.state}")
        try:
            event = read_event((found.envelope or "").encode())
            await uncut(self._handle_dead(event_id, event))
        except Exception as error:
            if isinstance(error, ConflictError):
                raise
            if is_transient(error):
                raise OverloadedError(f"event {event_id} cannot be handled now: {_describe(error)}", _BUSY_RETRY_S) from error
            if not isinstance(error, UnreadableEventError):
                _log.exception("%s %s failed again", found.type, found.key)
            await uncut(self._count_replay(event_id, _describe(error)))
            raise ConflictError(f"event {event_id} failed again: {_describe(error)}") from error
        self._wake()
        self._count(event, InboxState.HANDLED)
        await self.count_dead()

    async def page(self, after: str, limit: int, state: InboxState | None = None) -> list[InboxRow]:
        """What became of events, by id, above `after`; with `state` only of those in it."""
        async with self._database.read() as connection:
            return await self._rows.page(connection, after, limit, state)

    async def count_dead(self) -> int:
        """How many events are dead; also shown as a metric."""
        async with self._database.read() as connection:
            dead = await self._rows.count_dead(connection)
        self._metrics.dead_letters.set(dead)
        return dead

    async def prune(self) -> bool:
        """Forgets some events that were handled long ago. True when there may be more."""
        async with self._database.write() as connection:
            return await self._rows.prune(connection)

    async def _process(self, event: Event) -> None:
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
                await self._settle(event)
            except (RefusedError, OverloadedError) as error:
                span.set_status(Status(StatusCode.ERROR, error.detail))
                raise

    async def _settle(self, event: Event) -> None:
        """Handles an event, or keeps that it failed. Raises as `receive`."""
        envelope = to_envelope(event).model_dump_json()
        try:
            is_new = await uncut(self._handle(event))
        except UnreadableEventError as error:
            await self._bury(event, Failure(1, str(error), envelope))
        except Exception as error:
            if is_transient(error):
                raise OverloadedError(f"cannot be handled now: {_describe(error)}", _BUSY_RETRY_S) from error
            _log.exception("%s %s failed", event.type, event.key)
            await self._count_failure(event, _describe(error), envelope)
        else:
            self._count(event, InboxState.HANDLED if is_new else DUPLICATE)
            self._wake()

    async def _handle(self, event: Event) -> bool:
        handler = self._handler_of(event)
        async with self._database.write() as connection:
            if not await self._rows.mark(connection, event):
                return False
            await handler(connection, event)
        return True

    async def _handle_dead(self, event_id: str, event: Event) -> None:
        """Handles an event in the transaction that takes it off the dead.

        Its own id is another one than `event_id` when it could not be read as it arrived, and can be now.
        """
        handler = self._handler_of(event)
        async with self._database.write() as connection:
            if not await self._rows.take_dead(connection, event_id):
                raise ConflictError(f"event {event_id} is not dead any more")
            if await self._rows.mark(connection, event):
                await handler(connection, event)

    def _handler_of(self, event: Event) -> Handler:
        if event.type not in self._handlers:
            raise UnreadableEventError(f"no handler of {event.type}; known: {', '.join(self._handlers) or 'none'}")
        return self._handlers[event.type]

    async def _count_failure(self, event: Event, error: str, envelope: str) -> None:
        async with self._database.read() as connection:
            before = await self._rows.find(connection, event.id)
        attempts = 1 + (before.attempts if before else 0)
        if attempts >= MAX_ATTEMPTS:
            await self._bury(event, Failure(attempts, error, envelope))
            return
        await uncut(self._keep(event, Failure(attempts, error)))
        self._count(event, InboxState.FAILED)
        raise RefusedError(f"attempt {attempts} of {MAX_ATTEMPTS} failed: {error}")

    async def _bury(self, event: Event, failure: Failure) -> None:
        """Keeps an event dead. Raises OverloadedError when there is no room for it."""
        if await self.count_dead() >= MAX_DEAD:
            raise OverloadedError(f"{MAX_DEAD} events are dead already; look at them first", _BUSY_RETRY_S)
        _log.error("%s %s is dead: %s", event.type, event.key, failure.error)
        await uncut(self._keep(event, failure))
        self._count(event, InboxState.DEAD)
        await self.count_dead()

    def _count(self, event: Event, outcome: str) -> None:
        kind = event.type if event.type in self._handlers else UNKNOWN  # Chosen by whoever sent it.
        self._metrics.inbox_events.labels(kind, outcome).inc()

    async def _keep(self, event: Event, failure: Failure) -> None:
        async with self._database.write() as connection:
            await self._rows.keep(connection, event, failure)

    async def _count_replay(self, event_id: str, error: str) -> None:
        async with self._database.write() as connection:
            await self._rows.count_replay(connection, event_id, error)


def _describe(error: BaseException) -> str:
    kind = "" if isinstance(error, UnreadableEventError) else f"{type(error).__name__}: "
    return f"{kind}{error}".partition("\n")[0][:MAX_ERROR]


def _id_of(body: bytes) -> str:
    """An id for what has none: the same bytes are the same event, however often they arrive."""
    return str(uuid.UUID(bytes=hashlib.sha256(body).digest()[:16]))
