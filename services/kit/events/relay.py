"""The relay: takes messages from the outbox and delivers each at least once, in the order of their topic, until it succeeds.

Its retries are its own, whatever the profile: resilience may be switched off, correctness not. While a topic's handler fails,
one message a pause is tried, so that a dead service is not besieged and one that comes back is noticed within a second.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from opentelemetry import context, propagate
from opentelemetry.trace import SpanKind
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from observability import names
from observability.telemetry import Telemetry
from services.kit.database import Database
from services.kit.errors import ServiceError
from services.kit.events.outbox import Message, Outbox

_log = logging.getLogger(__name__)

BATCH = 4
"""Deliveries under way at once a topic and replica: a service that comes back must not be knocked over by what waited for it."""
POLL_S = 0.25
"""How often the outbox is looked at; a message written in the same process is delivered at once."""
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 1.0

Handler = Callable[[Message], Awaitable[Callable[[AsyncConnection], Awaitable[None]] | None]]
"""Delivers a message (a ServiceError: try again); what it returns is run in the transaction that removes the message."""


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
                async with self._database.read() as connection:
                    pending = await self._outbox.pending(connection)
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
            except SQLAlchemyError:
                _log.exception("the outbox cannot be written; trying again")
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
        async with self._database.write() as connection:
            messages = await self._outbox.claim(connection, topic, limit)
        delivered = await asyncio.gather(*(self._deliver(message) for message in messages))
        failed = [message for message, done in zip(messages, delivered, strict=True) if not done]
        if failed:
            self._metrics.outbox_failed.labels(topic).inc(len(failed))
            async with self._database.write() as connection:
                await self._outbox.release(connection, failed)
        return len(messages), len(failed)

    async def _deliver(self, message: Message) -> bool:
        token = context.attach(propagate.extract(message.trace_headers))  # Its story belongs to the trace that began it.
        try:
            with self._tracer.start_as_current_span(
                f"process {message.topic}",
                kind=SpanKind.CONSUMER,
                attributes={names.ATTR_MESSAGE_ID: str(message.id), names.ATTR_MESSAGE_TOPIC: message.topic},
            ):
                after = await self._handlers[message.topic](message)
                async with self._database.write() as connection:
                    await self._outbox.remove(connection, message)
                    if after:
                        await after(connection)
        except (ServiceError, SQLAlchemyError) as error:
            _log.debug("%s %s not delivered: %s", message.topic, message.key, error)
            return False
        finally:
            context.detach(token)
        self._metrics.outbox_delivered.labels(message.topic).inc()
        return True
