"""What restaurants takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.restaurants.domain import MAX_QUANTITY


class RestaurantOut(BaseModel):
    """One restaurant."""

    id: int
    name: str
    cuisine: str
    rating: float


class RestaurantPage(BaseModel):
    """Restaurants by id; `next` is what to pass as `after`, None on the last page."""

    restaurants: list[RestaurantOut]
    next: int | None


class DishOut(BaseModel):
    """One dish."""

    id: int
    name: str
    price_cents: int


class Menu(BaseModel):
    """A restaurant and what it cooks."""

    restaurant: RestaurantOut
    dishes: list[DishOut]


class LineIn(BaseModel):
    """A dish and how many of it."""

    dish_id: int = Field(ge=1, le=10**9)
    quantity: int = Field(ge=1, le=MAX_QUANTITY)


class Basket(BaseModel):
    """What somebody wants from one restaurant."""

    restaurant_id: int = Field(ge=1, le=10**9)
    items: list[LineIn] = Field(min_length=1, max_length=50)


class Quote(BaseModel):
    """What the basket costs; the restaurant can make it."""

    total_cents: int
