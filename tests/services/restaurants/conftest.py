"""Restaurants over a real database: its stores, and its routes without the process around them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.kit.database import Database
from services.restaurants import api, audit
from services.restaurants.kitchens import Kitchens
from services.restaurants.popular import PopularDishesModel
from services.restaurants.reservations import ReservationStore
from services.restaurants.schemas import DishOut
from services.restaurants.store import RestaurantStore
from tests.services.databases import Databases, open_database
from tests.services.routes import Routes, application


async def open_kitchens(database: Database) -> Kitchens:
    restaurants = RestaurantStore(database)
    await restaurants.prepare()
    return Kitchens(restaurants, ReservationStore(database), PopularDishesModel(database))


async def dishes_of(kitchens: Kitchens, restaurant_id: int) -> list[DishOut]:
    """What is on a menu."""
    menu = await kitchens.restaurants.menu(restaurant_id)
    assert menu is not None
    return menu.dishes


@pytest.fixture
async def kitchens(database: Database) -> Kitchens:
    """Two hundred restaurants with their seed."""
    return await open_kitchens(database)


@pytest.fixture
async def twins(databases: Databases) -> AsyncIterator[tuple[Database, Database]]:
    """One database as two replicas open it."""
    url = await databases.fresh("restaurants")
    one, other = open_database(url), open_database(url)
    yield one, other
    await one.close()
    await other.close()
    await databases.discard(url)


@pytest.fixture
async def replicas(twins: tuple[Database, Database]) -> tuple[Kitchens, Kitchens]:
    """Two replicas, which prepare their database at the same time."""
    one, other = await asyncio.gather(*map(open_kitchens, twins))
    return one, other


@pytest.fixture
def routes(kitchens: Kitchens) -> Routes:
    return Routes(application(kitchens, api.router, audit.router))
