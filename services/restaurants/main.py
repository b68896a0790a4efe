"""Composition of restaurants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.kit import serve
from services.kit.app import create_service
from services.kit.kit import Kit
from services.kit.settings import Settings
from services.restaurants import api, audit
from services.restaurants.counting import HANDLERS
from services.restaurants.kitchens import Kitchens
from services.restaurants.popular import PopularDishesModel
from services.restaurants.reservations import ReservationStore
from services.restaurants.store import RestaurantStore, event_tables


@asynccontextmanager
async def start(kit: Kit) -> AsyncIterator[Kitchens]:
    """Opens the database, and listens to what orders tells."""
    async with kit.database() as database:
        store = RestaurantStore(database)
        await store.prepare()
        async with kit.events(database, event_tables, lambda _: HANDLERS):
            yield Kitchens(store, ReservationStore(database), PopularDishesModel(database))


def create_app(settings: Settings) -> FastAPI:
    """The application."""
    return create_service(settings, [api.router, audit.router], start)


def main() -> None:
    """Serves it."""
    serve.main(create_app)


if __name__ == "__main__":
    main()
