"""Restaurants over a real database: its stores, and its routes without the process around them."""

import pytest

from services.kit.database import Database
from services.restaurants import api, audit
from services.restaurants.kitchens import Kitchens
from services.restaurants.popular import PopularDishesModel
from services.restaurants.reservations import ReservationStore
from services.restaurants.store import RestaurantStore
from tests.services.routes import Routes


@pytest.fixture
async def kitchens(database: Database) -> Kitchens:
    """Two hundred restaurants with their seed."""
    restaurants = RestaurantStore(database)
    await restaurants.prepare()
    return Kitchens(restaurants, ReservationStore(database), PopularDishesModel(database))


@pytest.fixture
def routes(kitchens: Kitchens) -> Routes:
    return Routes(kitchens, api.router, audit.router)
