"""What restaurants is made of."""

from dataclasses import dataclass

from services.restaurants.popular import PopularDishesModel
from services.restaurants.reservations import ReservationStore
from services.restaurants.store import RestaurantStore


@dataclass(frozen=True)
class Kitchens:
    """Its parts over one database."""

    restaurants: RestaurantStore
    reservations: ReservationStore
    popular: PopularDishesModel
