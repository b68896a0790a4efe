"""Events: what a producer tells, and what each consumer reads of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deliveries import deferred
from services.deliveries import schemas as deliveries
from services.kit.events.event import Event
from services.kit.events.publisher import Publisher
from services.kit.message import Model
from services.notifications import telling
from services.orders import couriers, events
from services.restaurants import counting
from services.topology import load_topology
from tests.contracts.consumer import without_words
from tests.contracts.documents import Json

Handler = Callable[[AsyncConnection, Event], Awaitable[None]]
KEY = "00000000-0000-4000-8000-000000000001"
TOLD: Mapping[str, type[BaseModel]] = {
    events.ACCEPTED: events.Accepted,
    events.CONFIRMED: events.Confirmed,
    events.CANCELLED: events.Cancelled,
    events.COURIER_WANTED: events.CourierWanted,
    deferred.COURIER_ASSIGNED: deliveries.CourierAssigned,
}
"""Payloads, by type, as the producers write them."""
_NOBODY = cast("Publisher", None)
HANDLERS: Mapping[str, Mapping[str, Handler]] = {
    "notifications": telling.HANDLERS,
    "restaurants": counting.HANDLERS,
    "deliveries": {deferred.COURIER_WANTED: deferred.DeferredAssignment(_NOBODY)},
    "orders": {events.COURIER_ASSIGNED: couriers.CourierAssigned(_NOBODY)},
}
"""What each consumer does at an event."""


class _ReadError(Exception):
    """Carries what was about to be read."""

    def __init__(self, model: type[BaseModel]) -> None:
        super().__init__(model.__name__)
        self.model = model


@dataclass(frozen=True, slots=True)
class _WatchedEvent(Event):
    """An event that is not read but says as what it would be."""

    def parse(self, model: type[Model]) -> Model:
        raise _ReadError(model)


async def read_by(consumer: str, event_type: str) -> type[BaseModel]:
    """The model as which a consumer's handler reads an event, before it does anything else."""
    event = _WatchedEvent("00000000-0000-4000-8000-000000000002", event_type, KEY, "{}", 0.0, {})
    try:
        await HANDLERS[consumer][event_type](cast("AsyncConnection", None), event)
    except _ReadError as read:
        return read.model
    raise AssertionError(f"{consumer} handles {event_type} without reading it")


async def events_document() -> Json:
    """Every event of the topology: who tells it, what it says, and what each consumer reads of that."""
    return {
        event_type: {
            "producer": route.producer,
            "payload": without_words(TOLD[event_type].model_json_schema(mode="serialization")),
            "consumers": {name: without_words((await read_by(name, event_type)).model_json_schema()) for name in route.consumers},
        }
        for event_type, route in load_topology().events.items()
    }
