"""Publishing: events are written in the transaction of the change that they tell of, so that one never exists without the other.

See Richardson, "Pattern: Transactional outbox" (microservices.io).
"""

from collections.abc import Mapping
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


class BacklogFullError(ServiceError):
    """A destination has not answered for so long that no more is kept for it."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Publisher:
    """Writes events into the outbox."""

    def __init__(self, tables: EventTables, bus: Bus, relay: Dispatcher) -> None:
        self._table = tables.outbox
        self._bus = bus
        self._relay = relay

    async def publish(self, connection: AsyncConnection, event_type: str, *, key: str, payload: BaseModel) -> str:
        """Adds an event to the caller's transaction, with the current trace context, after the change that it tells of.

        Returns:
            The event's id.

        Raises:
            BacklogFullError: Too many events wait already; the caller's transaction has to fail.
            ValueError: The topology has no such event of this service, or it is too large.
        """
        destinations = self._bus.destinations(event_type)
        _check_room(self._relay.waiting, destinations)
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
        await connection.execute(insert(self._table), [{**shared, "destination": each} for each in destinations])
        return event.id

    def wake(self) -> None:
        """An event was just committed: hands it on at once. Without it that is done within a quarter of a second."""
        self._relay.wake()


def _check_room(waiting: Mapping[str, int], destinations: tuple[str, ...]) -> None:
    for destination in destinations:
        if waiting.get(destination, 0) >= MAX_UNSENT:
            raise BacklogFullError(f"{waiting[destination]} events wait for {destination}; no more are taken until it answers")
