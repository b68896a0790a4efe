"""What restaurants takes and gives over the wire."""

from pydantic import BaseModel, Field

from services.restaurants.domain import MAX_QUANTITY, Line, ReservationState

MAX_ID = 10**9


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
    available: bool = Field(description="whether a portion was left a moment ago; only a reservation makes sure")


class Menu(BaseModel):
    """A restaurant and what it cooks."""

    restaurant: RestaurantOut
    dishes: list[DishOut]


class PopularDish(BaseModel):
    """One dish and how often it was ordered."""

    dish_id: int
    name: str
    restaurant_id: int
    restaurant: str
    ordered: int = Field(description="portions in accepted orders")


class PopularDishes(BaseModel):
    """Dishes by how often they were ordered, the most popular first."""

    dishes: list[PopularDish]


class LineIn(BaseModel):
    """A dish and how many of it."""

    dish_id: int = Field(ge=1, le=MAX_ID, examples=[701])
    quantity: int = Field(ge=1, le=MAX_QUANTITY, examples=[2])


class Basket(BaseModel):
    """Dishes of one restaurant. Lines of the same dish are added up."""

    restaurant_id: int = Field(ge=1, le=MAX_ID, examples=[7])
    items: list[LineIn] = Field(min_length=1, max_length=50)

    def lines(self) -> tuple[Line, ...]:
        """The same in the domain's words."""
        return tuple(Line(item.dish_id, item.quantity) for item in self.items)


class OrderAccepted(Basket):
    """Payload of `order.accepted`: somebody gets this basket."""


class OrderCancelled(Basket):
    """Payload of `order.cancelled`: nobody gets it; `was_accepted`: an `order.accepted` said otherwise before."""

    was_accepted: bool


class ReservationOut(BaseModel):
    """What an order has reserved, at the prices of the moment when it was."""

    order_id: str
    state: ReservationState
    total_cents: int


class LineOut(BaseModel):
    """A dish and how many of it, each dish once."""

    dish_id: int
    quantity: int


class ReservationAudit(BaseModel):
    """What invariants read of a reservation. One released before it was made has restaurant 0 and no lines."""

    order_id: str
    restaurant_id: int
    state: ReservationState
    lines: list[LineOut]
    total_cents: int


class StockAudit(BaseModel):
    """What invariants read of a dish's portions."""

    dish_id: int
    initial: int
    left: int


class PopularAudit(BaseModel):
    """What invariants read of the read model of popular dishes."""

    dish_id: int
    ordered: int
