"""What carries events from a service to those that consume them."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.kit.events.event import Event
from services.topology import Topology

Receive = Callable[[bytes], Awaitable[None]]
"""Takes one event off the wire. Returns once it need not be sent again; raises a ServiceError while it must."""


class Bus(Protocol):
    """Hands events on; the outbox keeps what it could not, and the inbox makes repetitions harmless."""

    def destinations(self, event_type: str) -> tuple[str, ...]:
        """To whom an event of this type is sent, each by itself. Raises ValueError when the service does not publish it."""
        ...

    def all_destinations(self) -> tuple[str, ...]:
        """Everything that this service ever sends to."""
        ...

    async def send(self, destination: str, event: Event) -> None:
        """Returns once `destination` is answerable for the event.

        Raises:
            CallError: It does not answer.
            ServiceError: It answers, and does not take this event now.
        """
        ...

    def consuming(self, receive: Receive) -> AbstractAsyncContextManager[None]:
        """Hands what arrives to `receive` while the context is open, one event of a key at a time."""
        ...


class Routes:
    """Who consumes what one service publishes, by the topology."""

    def __init__(self, service: str, topology: Topology) -> None:
        self._consumers = {name: route.consumers for name, route in topology.events.items() if route.producer == service}

    def consumers(self, event_type: str) -> tuple[str, ...]:
        """Of one type of event. Raises ValueError when the service does not publish it."""
        if event_type not in self._consumers:
            allowed = ", ".join(self._consumers) or "none"
            raise ValueError(f"{event_type!r} is no event that this service publishes; allowed by the topology: {allowed}")
        return self._consumers[event_type]

    def all_consumers(self) -> tuple[str, ...]:
        """Of any type, each once."""
        return tuple(dict.fromkeys(name for consumers in self._consumers.values() for name in consumers))
