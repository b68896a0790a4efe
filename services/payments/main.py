"""Composition of payments."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.kit import serve
from services.kit.app import create_service
from services.kit.kit import Kit
from services.kit.settings import Settings
from services.payments.api import router
from services.payments.store import ChargeStore


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[ChargeStore]:
    """Opens the database."""
    async with kit.database() as database:
        store = ChargeStore(database)
        await store.prepare()
        yield store


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    return create_service(settings, [router], start)


def main() -> None:
    """Serves it."""
    serve.main(create_app)


if __name__ == "__main__":
    main()
