"""Publishing: events are written in the transaction of the change that they tell of, so that one never exists without the other.

See Richardson, "Pattern: Transactional outbox" (microservices.io).
"""

from collections import deque
from http import HTTPStatus

from pydantic import BaseModel
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.errors import ServiceError
from services.kit.events.bus import Bus
from services.kit.events.dispatcher import Dispatcher
from services.kit.events.event import encode_headers, new_event
from services.kit.events.tables import EventTables

MAX_UNSENT = 200_000
"""Events that may wait for one destination: an hour of a busy day. Beyond it changes fail that would have to be told of."""


MAX_REMEMBERED = 256
"""Transactions of which it is known whom they tell; the events of others are found by looking, a quarter of a second later."""


class BacklogFullError(ServiceError):
    """A destination has not answered for so long that no more is kept for it."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Publisher:
    """Writes events into the outbox."""

    def __init__(self, tables: EventTables, bus: Bus, relay: Dispatcher) -> None:
        self._rows = insert(tables.outbox)
        self._bus = bus
        self._relay = relay
        self._written: deque[tuple[AsyncConnection, tuple[str, ...]]] = deque(maxlen=MAX_REMEMBERED)
        """Who is told in a transaction of which nobody has said yet that it is over."""

    def check_room(self, event_type: str) -> None:
        """Asks before work is begun that will have to be told of. Raises BacklogFullError."""
        for destination in self._bus.destinations(event_type):
            waiting = self._relay.waiting.get(destination, 0)
            if waiting >= MAX_UNSENT:
                raise BacklogFullError(f"{waiting} events wait for {destination}; no more are taken until it answers")

    async def publish(
        self, connection: AsyncConnection, event_type: str, *, key: str, payload: BaseModel, regardless: bool = False
    ) -> str:
        """Adds an event to the caller's transaction, with the current trace context, after the change that it tells of.

        Args:
            connection: An open transaction.
            event_type: As the topology names it.
            key: Whom it happened to.
            payload: What the type tells.
            regardless: Also beyond the bound: for what ends something that was begun within it, such as undoing it.

        Returns:
            The event's id.

        Raises:
            BacklogFullError: Too many events wait already; the caller's transaction has to fail.
            ValueError: The topology has no such event of this service, or it is too large.
        """
        destinations = self._bus.destinations(event_type)
        if not regardless:
            self.check_room(event_type)
        event = new_event(event_type, key, payload)
        shared = {
            "event_id": event.id,
            "type": event.type,
            "key": event.key,
            "payload": event.payload,
            "headers": encode_headers(event.headers),
            "occurred_at": event.occurred_at,
            "attempts": 0,
            "claimed_until": 0.0,
        }
        await connection.execute(self._rows, [{**shared, "destination": each} for each in destinations])
        self._written.append((connection, destinations))
        return event.id

    def wake(self) -> None:
        """A transaction was just committed: hands on at once what it published. Without it that is found by looking.

        Most transactions publish nothing, and most destinations have nothing to do with what is published: to look for what is
        not there costs as much as to find it. A transaction that goes on is left to whoever commits it.
        """
        over = {name for connection, destinations in self._written if connection.closed for name in destinations}
        if over:
            open_ones = [each for each in self._written if not each[0].closed]
            self._written.clear()
            self._written.extend(open_ones)
            self._relay.wake(over)
