"""Composition of deliveries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.deliveries.api import router
from services.deliveries.deferred import COURIER_WANTED, DeferredAssignment
from services.deliveries.store import AssignmentStore, event_tables
from services.kit import serve
from services.kit.app import create_service
from services.kit.kit import Kit
from services.kit.settings import Settings


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[AssignmentStore]:
    """Opens the database, and listens for orders that wait for a courier."""
    async with kit.database() as database:
        store = AssignmentStore(database)
        await store.prepare()
        async with kit.events(database, event_tables, lambda outbox: {COURIER_WANTED: DeferredAssignment(outbox)}):
            yield store


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    return create_service(settings, [router], start)


def main() -> None:
    """Serves it."""
    serve.main(create_app)


if __name__ == "__main__":
    main()
