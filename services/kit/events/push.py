"""The bus without a broker: each event is a request to each consumer, whose answer is the acknowledgement."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.kit.caller import Caller
from services.kit.events.bus import Receive, Routes
from services.kit.events.event import Event, to_envelope
from services.kit.message import Outgoing
from services.kit.replies import check
from services.kit.resilience.priority import MOST_URGENT
from services.topology import Topology

PATH = "/internal/events"


class PushBus:
    """Sends to the consumers that the topology names, over calls that no profile protects or leaves unprotected."""

    def __init__(self, service: str, topology: Topology, caller: Caller) -> None:
        self._routes = Routes(service, topology)
        self._caller = caller

    def destinations(self, event_type: str) -> tuple[str, ...]:  # noqa: D102 - the protocol's.
        return self._routes.consumers(event_type)

    def all_destinations(self) -> tuple[str, ...]:  # noqa: D102 - the protocol's.
        return self._routes.all_consumers()

    async def send(self, destination: str, event: Event) -> None:  # noqa: D102 - the protocol's.
        body = to_envelope(event).model_dump_json().encode()
        await self._caller.call(
            destination, Outgoing("POST", PATH, PATH, body, idempotency_key=event.id, urgency=MOST_URGENT), check
        )

    @asynccontextmanager
    async def consuming(self, receive: Receive) -> AsyncIterator[None]:  # noqa: ARG002, D102 - the service's own routes hand events to it.
        yield
