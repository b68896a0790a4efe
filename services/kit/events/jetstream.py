"""The bus over NATS JetStream, by FastStream. Imported only where a broker is configured.

The broker answers for an event once it has stored it; the outbox keeps what it has not. It may be absent: a service starts
without it, and goes on when it comes back. Nothing here names the broker's address, for it may hold a password.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from faststream import AckPolicy
from faststream.exceptions import FastStreamException
from faststream.nats import JStream, NatsBroker
from faststream.nats.message import NatsMessage
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import Header

from services.kit.errors import AttemptTimeoutError, ServiceError, UnreachableError
from services.kit.events.bus import Receive, Routes
from services.kit.events.event import Event, to_envelope
from services.kit.events.jetstream_layout import (
    ACK_WAIT_S,
    PARTITIONS,
    consumer_config,
    durable_name,
    stream_config,
    subject_of,
    subjects_of,
)
from services.kit.settings import Settings
from services.topology import Topology

_log = logging.getLogger(__name__)

BROKER = "nats"
"""The outbox's only destination: the broker serves all consumers."""
CONNECT_S = 2
SEND_S = 1.0
"""For the broker to store an event; a claim of the outbox is longer."""
RECONNECT_S = 1
"""Between two tries to reach the broker."""
PING_S = 5
"""The second that is not answered ends a connection."""
STOP_S = 2.0
"""For what is being handled when the service ends; what takes longer is undone, and handed to another replica."""
END_ATTEMPTS = 3
FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 1.0
"""Until an event is handed out again that could not be handled, twice as long each time."""
_UNAVAILABLE = (NatsError, FastStreamException, OSError, TimeoutError)


class JetStreamBus:
    """Publishes to a stream and takes from it, while its context is open.

    Args:
        settings: Of the service: its name, and the broker's address and stream.
        topology: Who consumes what.
        ack_wait_s: How long a replica may be silent about an event that it took.
    """

    def __init__(self, settings: Settings, topology: Topology, ack_wait_s: float = ACK_WAIT_S) -> None:
        self._service = settings.service
        self._url = settings.nats_url
        self._stream = settings.nats_stream
        self._ack_wait_s = ack_wait_s
        self._routes = Routes(self._service, topology)
        self._consumes = any(self._service in route.consumers for route in topology.events.values())
        self._broker: NatsBroker | None = None
        self._watch = _Watch()

    def destinations(self, event_type: str) -> tuple[str, ...]:  # noqa: D102 - the protocol's.
        self._routes.consumers(event_type)  # Complains of a type that is not published here.
        return (BROKER,)

    def all_destinations(self) -> tuple[str, ...]:  # noqa: D102 - the protocol's.
        return (BROKER,) if self._routes.all_consumers() else ()

    async def send(self, destination: str, event: Event) -> None:  # noqa: D102 - the protocol's.
        edge = f"{self._service}->{destination}"
        broker = self._broker
        # Without a connection the library would keep the message for later, which is the outbox's task.
        if broker is None or not broker.connection.is_connected:
            raise UnreachableError(edge, "no connection to the broker")
        body = to_envelope(event).model_dump_json().encode()
        try:
            for consumer in self._routes.consumers(event.type):
                await broker.publish(
                    body,
                    subject_of(self._stream, consumer, event.key, event.type),
                    # Of the stream, not of the subject: without the consumer's name its second message would be no news.
                    headers={Header.MSG_ID.value: f"{event.id}/{consumer}"},
                    stream=self._stream,
                    timeout=SEND_S,
                )
        except TimeoutError:
            raise AttemptTimeoutError(edge, f"the broker did not store it within {SEND_S:g} s") from None
        except _UNAVAILABLE as error:
            raise UnreachableError(edge, f"the broker did not store it: {type(error).__name__}") from None

    @asynccontextmanager
    async def consuming(self, receive: Receive) -> AsyncIterator[None]:
        """Stays connected while the context is open, and hands what arrives to `receive`."""
        task = asyncio.create_task(self._stay_connected(receive), name="nats")
        try:
            yield
        finally:
            await _end(task)

    async def _stay_connected(self, receive: Receive) -> None:
        """One session after the other. The library reconnects by itself, but ends for good when its password is refused."""
        while True:
            try:
                await self._session(receive)
            except Exception as error:  # noqa: BLE001 - whatever the broker does, the service goes on, and tries again.
                await self._watch.failed(error)
            await asyncio.sleep(RECONNECT_S)

    async def _session(self, receive: Receive) -> None:
        """From a connection to its end, which only comes by itself when the broker does not want this service."""
        watch = self._watch
        broker = self._new_broker(receive, watch)
        try:
            client = await broker.connect()
            await self._declare(client.jetstream())
            await broker.start()
            self._broker = broker
            watch.report_connection()
            while not client.is_closed:
                await watch.changed.wait()
                watch.changed.clear()
                if client.is_connected:
                    await self._declare(client.jetstream())  # The broker may have lost its store; else this changes nothing.
        finally:
            self._broker = None
            await _close(broker)

    def _new_broker(self, receive: Receive, watch: "_Watch") -> NatsBroker:
        broker = NatsBroker(
            self._url,
            name=self._service,
            connect_timeout=CONNECT_S,
            reconnect_time_wait=RECONNECT_S,
            max_reconnect_attempts=-1,
            ping_interval=PING_S,
            graceful_timeout=STOP_S,
            error_cb=watch.failed,
            reconnected_cb=watch.reconnected,
            closed_cb=watch.closed,
            apply_types=False,
            decoder=_whole,
            logger=None,
        )
        for partition in self._partitions():
            subscriber = broker.subscriber(
                subjects_of(self._stream, self._service, partition),
                queue=durable_name(self._service, partition),
                stream=JStream(self._stream, declare=False),
                config=consumer_config(self._stream, self._service, partition, self._ack_wait_s),
                ack_policy=AckPolicy.MANUAL,
                no_reply=True,
            )
            subscriber(_handing_to(receive))
        return broker

    async def _declare(self, stream: JetStreamContext) -> None:
        await stream.add_stream(stream_config(self._stream))
        for partition in self._partitions():
            config = consumer_config(self._stream, self._service, partition, self._ack_wait_s)
            await stream.add_consumer(self._stream, config)

    def _partitions(self) -> range:
        return range(PARTITIONS if self._consumes else 0)


class _Watch:
    """What becomes of the connection. An outage is logged once, not at every try."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._reported = ""

    def report_connection(self) -> None:
        self._reported = ""
        _log.info("connected to the broker")

    async def failed(self, error: Exception) -> None:
        # The server's own words are safe; the system's name the address.
        reason = str(error) if isinstance(error, NatsError) else type(error).__name__
        if reason != self._reported:
            self._reported = reason
            _log.warning("no connection to the broker: %s; trying again every %d s", reason, RECONNECT_S)

    async def reconnected(self) -> None:
        self.report_connection()
        self.changed.set()

    async def closed(self) -> None:
        self.changed.set()


def _handing_to(receive: Receive) -> Callable[[NatsMessage], Awaitable[None]]:
    async def take(message: NatsMessage) -> None:
        try:
            await receive(message.body)
        except Exception as error:  # noqa: BLE001 - whatever one event does, it is handed out again, and later ones of its key wait.
            if not isinstance(error, ServiceError):
                _log.exception("an event could not be taken; it comes again")
            await message.nack(_pause_s(message.raw_message.metadata.num_delivered))
        else:
            await message.ack()

    return take


async def _whole(message: NatsMessage) -> NatsMessage:
    """The library would read the body; what it means is the inbox's affair."""
    return message


def _pause_s(delivered: int) -> float:
    return min(MAX_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(delivered - 1, 10))


async def _close(broker: NatsBroker) -> None:
    """Ends a session, whatever state it is in. The library drains connections that are up, and leaves others open."""
    client: Client | None = broker.connection if broker.config.connection_state else None
    with suppress(*_UNAVAILABLE):
        async with asyncio.timeout(STOP_S + CONNECT_S):
            await broker.stop()
    if client is not None and not client.is_closed:
        with suppress(*_UNAVAILABLE):
            async with asyncio.timeout(STOP_S):
                await client.close()


async def _end(task: asyncio.Task[None]) -> None:
    """Ends a session's task in bounded time. The library may take a cancellation for the end of its connection, and go on."""
    for _ in range(END_ATTEMPTS):
        task.cancel()
        await asyncio.wait({task}, timeout=STOP_S + CONNECT_S)
        if task.done():
            if not task.cancelled() and task.exception():
                _log.error("the connection to the broker ended badly", exc_info=task.exception())
            return
    _log.warning("the connection to the broker does not end; the process ends without it")
