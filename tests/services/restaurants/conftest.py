"""Restaurants over a real database: its stores, and its routes without the telemetry around them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from opentelemetry.trace import NoOpTracer

from services.kit.database import Database
from services.restaurants.kitchens import Kitchens
from services.restaurants.popular import PopularDishesModel
from services.restaurants.reservations import ReservationStore
from services.restaurants.store import RestaurantStore


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'restaurants.sqlite'}", NoOpTracer(), "restaurants")
    yield database
    await database.close()


@pytest.fixture
async def kitchens(database: Database) -> Kitchens:
    """Two hundred restaurants with their seed."""
    restaurants = RestaurantStore(database)
    await restaurants.prepare()
    return Kitchens(restaurants, ReservationStore(database), PopularDishesModel(database))
