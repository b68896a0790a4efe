"""Composition of orders."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from services.kit import serve
from services.kit.app import create_service
from services.kit.events.relay import Relay
from services.kit.kit import Kit
from services.kit.settings import Settings
from services.orders.api import router
from services.orders.clients import Deliveries, Notifications, Payments, Restaurants
from services.orders.handlers import Handlers
from services.orders.placing import OrderBook
from services.orders.store import OrderStore, outbox
from services.orders.sweeper import sweep_for_ever


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[OrderBook]:
    """Opens the database, and starts the relay and the sweeper."""
    async with kit.database() as database:
        store = OrderStore(database)
        await store.prepare()
        later = kit.relay_caller
        handlers = Handlers(Payments(later), Deliveries(later), Notifications(later))
        relay = Relay(database, outbox, handlers.by_topic(), kit.telemetry)
        now = kit.caller
        book = OrderBook(store, Restaurants(now), Payments(now), Deliveries(now), relay)
        async with relay.running():
            sweeper = asyncio.create_task(sweep_for_ever(book), name="sweeper")
            try:
                yield book
            finally:
                sweeper.cancel()
                with suppress(asyncio.CancelledError):
                    await sweeper


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    return create_service(settings, [router], start)


def main() -> None:
    """Serves it."""
    serve.main(create_app)


if __name__ == "__main__":
    main()
