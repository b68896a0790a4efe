"""The relay: takes messages from the outbox, the oldest of each topic first, and delivers each at least once.

Its retries are its own, whatever the profile: resilience may be switched off, correctness not. While the service behind a
topic does not answer, its oldest message is tried once a pause, so that a dead service is not besieged and one that comes back
is noticed within a second. A message that fails although the service answers is put off, so that the others are not held up.
Several of a topic are delivered at once, by several replicas: handlers must neither rely on an order nor mind a repetition.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from enum import Enum, auto

from opentelemetry import context, propagate
from opentelemetry.trace import SpanKind
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from observability import names
from observability.telemetry import Telemetry
from services.kit.database import Database
from services.kit.errors import CallError
from services.kit.events.outbox import Message, Outbox
from services.kit.uncut import uncut

_log = logging.getLogger(__name__)

BATCH = 4
"""Messages under way at once a topic and replica: a service that comes back must not be knocked over by what waited for it."""
POLL_S = 0.25
"""How often the outbox is looked at; a message written in the same process is delivered at once."""
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 1.0
PUT_OFF_S = 10.0
"""Of a message that fails by itself: long enough not to be in the way, short enough to be tried again by a mended service."""

After = Callable[[AsyncConnection], Awaitable[None]]
Handler = Callable[[Message], Awaitable[After | None]]
"""Delivers a message. Raises a CallError when the service behind it does not answer; anything else is the message's own fault.

What it returns is run in the transaction that removes the message.
"""


class _Outcome(Enum):
    DELIVERED = auto()
    UNANSWERED = auto()
    REFUSED = auto()


class Relay:
    """Delivers the outbox of one process's database; every replica runs one."""

    def __init__(self, database: Database, outbox: Outbox, handlers: Mapping[str, Handler], telemetry: Telemetry) -> None:
        self._database = database
        self._outbox = outbox
        self._handlers = handlers
        self._tracer = telemetry.tracer
        self._metrics = telemetry.metrics
        self._wake = {topic: asyncio.Event() for topic in handlers}

    def notify(self, topic: str) -> None:
        """A message of `topic` was just committed."""
        self._wake[topic].set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Delivers in the background for as long as the context is open."""
        tasks = [asyncio.create_task(self._run(topic), name=f"relay {topic}") for topic in self._handlers]
        tasks.append(asyncio.create_task(self._poll(), name="relay poll"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self) -> None:
        """Wakes topics for messages of other replicas, of a former life, or whose claim ran out."""
        while True:
            try:
                pending = await uncut(self._pending())
            except SQLAlchemyError:
                _log.exception("the outbox cannot be read; trying again")
                pending = {}
            self._metrics.outbox_pending.set(sum(pending.values()))
            for topic in pending.keys() & self._wake.keys():
                self._wake[topic].set()
            await asyncio.sleep(POLL_S)

    async def _run(self, topic: str) -> None:
        pause_s = 0.0
        while True:
            await self._wake[topic].wait()
            self._wake[topic].clear()  # Before looking: a message that comes meanwhile must not be slept over.
            try:
                taken, failed = await self._deliver_some(topic, 1 if pause_s else BATCH)
            except Exception:  # noqa: BLE001 - a relay that ended would be missed by nobody until an order is.
                _log.exception("the outbox cannot be worked on; trying again")
                taken, failed = 1, 1
            if taken:
                self._wake[topic].set()
            if failed:
                pause_s = min(MAX_PAUSE_S, max(FIRST_PAUSE_S, pause_s * 2))
                await asyncio.sleep(pause_s)
            else:
                pause_s = 0.0

    async def _deliver_some(self, topic: str, limit: int) -> tuple[int, int]:
        """Delivers up to `limit` messages at the same time. Returns how many were taken, and how many of them failed."""
        messages = await uncut(self._claim(topic, limit))
        outcomes = await asyncio.gather(*(self._deliver(message) for message in messages))
        failed = [message for message, outcome in zip(messages, outcomes, strict=True) if outcome is _Outcome.UNANSWERED]
        put_off = [message for message, outcome in zip(messages, outcomes, strict=True) if outcome is _Outcome.REFUSED]
        if failed or put_off:
            self._metrics.outbox_failed.labels(topic).inc(len(failed) + len(put_off))
            await uncut(self._release(failed, put_off))
        return len(messages), len(failed)

    async def _deliver(self, message: Message) -> _Outcome:
        token = context.attach(propagate.extract(message.trace_headers))  # Its story belongs to the trace that began it.
        try:
            with self._tracer.start_as_current_span(
                f"process {message.topic}",
                kind=SpanKind.CONSUMER,
                attributes={names.ATTR_MESSAGE_ID: str(message.id), names.ATTR_MESSAGE_TOPIC: message.topic},
            ):
                after = await self._handlers[message.topic](message)
                await uncut(self._remove(message, after))
        except (CallError, SQLAlchemyError) as error:
            _log.debug("%s %s not delivered: %s", message.topic, message.key, error)
            return _Outcome.UNANSWERED
        except Exception:  # noqa: BLE001 - whatever one message does to its handler, the next one must be delivered.
            _log.exception("%s %s cannot be delivered; put off for %g s", message.topic, message.key, PUT_OFF_S)
            return _Outcome.REFUSED
        finally:
            context.detach(token)
        self._metrics.outbox_delivered.labels(message.topic).inc()
        return _Outcome.DELIVERED

    async def _pending(self) -> dict[str, int]:
        async with self._database.read() as connection:
            return await self._outbox.pending(connection)

    async def _claim(self, topic: str, limit: int) -> list[Message]:
        async with self._database.write() as connection:
            return await self._outbox.claim(connection, topic, limit)

    async def _release(self, failed: list[Message], put_off: list[Message]) -> None:
        async with self._database.write() as connection:
            await self._outbox.release(connection, failed)
            await self._outbox.release(connection, put_off, PUT_OFF_S)

    async def _remove(self, message: Message, after: After | None) -> None:
        async with self._database.write() as connection:
            await self._outbox.remove(connection, message)
            if after:
                await after(connection)
