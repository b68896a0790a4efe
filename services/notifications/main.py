"""Composition of notifications."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.kit import serve
from services.kit.app import create_service
from services.kit.kit import Kit
from services.kit.settings import Settings
from services.notifications.api import router
from services.notifications.store import NotificationStore, event_tables
from services.notifications.telling import HANDLERS


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[NotificationStore]:
    """Opens the database, and listens to what orders tells."""
    async with kit.database() as database:
        store = NotificationStore(database)
        async with kit.events(database, event_tables, lambda _: HANDLERS):
            yield store


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    return create_service(settings, [router], start)


def main() -> None:
    """Serves it."""
    serve.main(create_app)


if __name__ == "__main__":
    main()
