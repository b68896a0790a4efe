"""The relay: takes events from the outbox, the oldest of each key first, and hands each on at least once.

Its retries are its own, whatever the profile: resilience may be switched off, correctness not. While a destination does not
answer, one event is tried a pause, so that a dead service is not besieged and one that comes back is noticed within a second.
An event that fails although the destination answers is put off with those of its key behind it, so that the others are not
held up. Several keys are under way at once, by several replicas, one event of each.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from enum import Enum, auto

from opentelemetry import context, propagate
from opentelemetry.trace import SpanKind, Status, StatusCode

from observability import names
from observability.telemetry import Telemetry
from services.kit.background import background, prune_for_ever
from services.kit.database import Database
from services.kit.errors import CallError, ServiceError
from services.kit.events.bus import Bus
from services.kit.events.claims import Claims, PutOff, Unsent
from services.kit.uncut import uncut

_log = logging.getLogger(__name__)

BATCH = 4
"""Events under way at once a destination and replica: a service that comes back must not be knocked over by what waited."""
POLL_S = 0.25
"""How often the outbox is looked at; an event written in the same process is handed on at once."""
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 1.0
"""Between two tries at a destination that does not answer, and at most of one event that met it."""
MAX_PUT_OFF_S = 10.0
"""Of an event that fails by itself: long enough not to be in the way, short enough to be tried again by a mended service."""
PRUNE_EVERY_S = 60.0


class _Outcome(Enum):
    SENT = auto()
    UNANSWERED = auto()
    REFUSED = auto()


class Dispatcher:
    """Hands on the outbox of one process's database; every replica runs one."""

    def __init__(self, database: Database, claims: Claims, bus: Bus, telemetry: Telemetry) -> None:
        self._database = database
        self._claims = claims
        self._bus = bus
        self._tracer = telemetry.tracer
        self._metrics = telemetry.metrics
        self._wake = {destination: asyncio.Event() for destination in bus.all_destinations()}
        self._held: dict[int, Unsent] = {}
        self._waiting: dict[str, int] = {}

    @property
    def waiting(self) -> Mapping[str, int]:
        """How many events waited for each destination a moment ago."""
        return self._waiting

    def wake(self, destinations: Iterable[str]) -> None:
        """Events for these were just committed."""
        for destination in destinations:
            self._wake[destination].set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hands events on in the background for as long as the context is open; in the end its claims are free at once."""
        work = {f"relay {destination}": self._run(destination) for destination in self._wake}
        pruning = prune_for_ever("what was sent", lambda: uncut(self._prune_some()), PRUNE_EVERY_S, PRUNE_EVERY_S)
        try:
            async with background({**work, "relay poll": self._poll(), "relay prune": pruning}):
                yield
        finally:
            await uncut(self._release())

    async def _poll(self) -> None:
        """Wakes destinations for events of other replicas, of a former life, or whose claim ran out."""
        while True:
            try:
                self._waiting = await uncut(self._count())
            except Exception:  # noqa: BLE001 - as in `_run`.
                _log.exception("the outbox cannot be read; trying again")
            for destination in self._wake.keys() | self._waiting.keys():
                self._metrics.outbox_pending.labels(destination).set(self._waiting.get(destination, 0))
            for destination in self._waiting.keys() & self._wake.keys():
                self._wake[destination].set()
            await asyncio.sleep(POLL_S)

    async def _run(self, destination: str) -> None:
        pause_s = 0.0
        taken: list[Unsent] = []
        while True:
            if not taken:
                await self._wake[destination].wait()
                self._wake[destination].clear()  # Before looking: an event that comes meanwhile must not be slept over.
            try:
                taken = taken or await uncut(self._claim(destination, 1 if pause_s else BATCH))
                outcomes, taken = await self._hand_on_all(destination, taken)
            except Exception:  # noqa: BLE001 - a relay that ended would be missed by nobody until an event is.
                _log.exception("the outbox cannot be worked on; trying again")
                outcomes, taken = [_Outcome.UNANSWERED], []
            if any(outcome is not _Outcome.SENT for outcome in outcomes):
                self._wake[destination].set()
            if outcomes and all(outcome is _Outcome.UNANSWERED for outcome in outcomes):
                pause_s = min(MAX_PAUSE_S, max(FIRST_PAUSE_S, pause_s * 2))
                await asyncio.sleep(pause_s)
            elif outcomes:
                pause_s = 0.0

    async def _hand_on_all(self, destination: str, taken: list[Unsent]) -> tuple[list[_Outcome], list[Unsent]]:
        """Hands events on at the same time. Returns what became of each, and what was claimed to be handed on next.

        That is claimed in the transaction that settles these: most often there is none, and to look cost as much as to settle.
        """
        outcomes = await asyncio.gather(*(self._hand_on(destination, unsent) for unsent in taken))
        sent = [unsent for unsent, outcome in zip(taken, outcomes, strict=True) if outcome is _Outcome.SENT]
        put_off = [
            PutOff(unsent, _put_off_s(unsent.attempts, outcome))
            for unsent, outcome in zip(taken, outcomes, strict=True)
            if outcome is not _Outcome.SENT
        ]
        following = await uncut(self._settle(destination, sent, put_off)) if taken else []
        for unsent in sent:
            self._metrics.outbox_sent.labels(unsent.event.type, destination).inc()
        for each in put_off:
            self._metrics.outbox_failed.labels(each.unsent.event.type, destination).inc()
        return outcomes, following

    async def _hand_on(self, destination: str, unsent: Unsent) -> _Outcome:
        event = unsent.event
        token = context.attach(propagate.extract(event.headers))  # Its story belongs to the trace that began it.
        try:
            with self._tracer.start_as_current_span(
                f"publish {event.type}",
                kind=SpanKind.PRODUCER,
                attributes={
                    names.ATTR_MESSAGE_OPERATION: "send",
                    names.ATTR_MESSAGE_ID: event.id,
                    names.ATTR_MESSAGE_TOPIC: event.type,
                    names.ATTR_MESSAGE_KEY: event.key,
                    names.ATTR_PEER: destination,
                },
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                try:
                    await self._bus.send(destination, event)
                except ServiceError as error:
                    span.set_status(Status(StatusCode.ERROR, error.detail))
                    raise
        except CallError as error:
            _log.debug("%s %s not handed on: %s", event.type, event.key, error)
            return _Outcome.UNANSWERED
        except Exception as error:  # noqa: BLE001 - whatever one event does to its destination, the next one must be handed on.
            if not isinstance(error, ServiceError):
                _log.exception("%s %s cannot be handed to %s; put off", event.type, event.key, destination)
            else:
                _log.warning("%s does not take %s %s; put off: %s", destination, event.type, event.key, error)
            return _Outcome.REFUSED
        finally:
            context.detach(token)
        return _Outcome.SENT

    async def _count(self) -> dict[str, int]:
        async with self._database.read() as connection:
            return await self._claims.waiting(connection)

    async def _claim(self, destination: str, limit: int) -> list[Unsent]:
        async with self._database.write() as connection:
            taken = await self._claims.claim(connection, destination, limit)
        self._held.update({unsent.row: unsent for unsent in taken})
        return taken

    async def _settle(self, destination: str, sent: list[Unsent], put_off: list[PutOff]) -> list[Unsent]:
        """Writes down what became of events. Returns the next ones, unless some have just been put off."""
        async with self._database.write() as connection:
            await self._claims.sent(connection, sent)
            await self._claims.put_off(connection, put_off)
            following = [] if put_off else await self._claims.claim(connection, destination, BATCH)
        for unsent in (*sent, *(each.unsent for each in put_off)):
            self._held.pop(unsent.row, None)
        self._held.update({unsent.row: unsent for unsent in following})
        return following

    async def _release(self) -> None:
        if not self._held:
            return
        try:
            async with self._database.write() as connection:
                await self._claims.release(connection, list(self._held.values()))
        except Exception:  # noqa: BLE001 - the service ends all the same.
            _log.warning("claims could not be released; they run out by themselves")
        self._held.clear()

    async def _prune_some(self) -> bool:
        async with self._database.write() as connection:
            return await self._claims.prune(connection)


def _put_off_s(attempts: int, outcome: _Outcome) -> float:
    """Twice as long each time, up to the bound of what happened to it."""
    bound_s = MAX_PAUSE_S if outcome is _Outcome.UNANSWERED else MAX_PUT_OFF_S
    return min(bound_s, FIRST_PAUSE_S * 2.0 ** min(attempts, 10))
