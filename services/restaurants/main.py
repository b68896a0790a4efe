"""Composition of restaurants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.kit import serve
from services.kit.app import create_service
from services.kit.kit import Kit
from services.kit.settings import Settings
from services.restaurants.api import router
from services.restaurants.store import RestaurantStore


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[RestaurantStore]:
    """Opens the database."""
    async with kit.database() as database:
        store = RestaurantStore(database)
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
