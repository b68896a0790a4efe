"""The events of one service, while it runs: publisher, relay and inbox around one bus."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select

from observability.telemetry import Telemetry
from services.kit.background import background, prune_for_ever
from services.kit.database import Database
from services.kit.events.bus import Bus
from services.kit.events.claims import Claims
from services.kit.events.dispatcher import Dispatcher
from services.kit.events.inbox import Handler, Inbox
from services.kit.events.publisher import Publisher
from services.kit.events.tables import EventTables
from services.kit.uncut import uncut

PRUNE_EVERY_S = 600.0

Handlers = Callable[[Publisher], Mapping[str, Handler]]
"""Makes a service's handlers by type of event; they may publish events of their own."""


@dataclass(frozen=True)
class Published:
    """One row of the outbox; `row` grows in the order of publishing."""

    row: int
    event_id: str
    type: str
    key: str
    destination: str
    sent: bool


@dataclass(frozen=True)
class Events:
    """What a service publishes and takes."""

    database: Database
    tables: EventTables
    publisher: Publisher
    inbox: Inbox

    async def published(self, after: int, limit: int) -> list[Published]:
        """The outbox above row `after`."""
        table = self.tables.outbox
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        async with self.database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [Published(r.id, r.event_id, r.type, r.key, r.destination, r.sent_at is not None) for r in rows]


@asynccontextmanager
async def running_events(
    database: Database, tables: EventTables, handlers: Handlers, bus: Bus, telemetry: Telemetry
) -> AsyncIterator[Events]:
    """Relays and takes events for as long as the context is open."""
    dispatcher = Dispatcher(database, Claims(tables), bus, telemetry)
    publisher = Publisher(tables, bus, dispatcher)
    inbox = Inbox(database, tables, handlers(publisher), telemetry, publisher.wake)
    pruning = prune_for_ever("handled events", lambda: _forget(inbox), PRUNE_EVERY_S)
    async with dispatcher.running(), bus.consuming(inbox.receive), background({"inbox prune": pruning}):
        yield Events(database, tables, publisher, inbox)


async def _forget(inbox: Inbox) -> bool:
    await inbox.count_dead()
    return await uncut(inbox.prune())
