"""The public API's bodies."""

from typing import Literal

from pydantic import BaseModel, Field


class CustomerIn(BaseModel):
    """Who wants to become a customer. The email is kept in small letters; no control characters."""

    email: str = Field(min_length=3, max_length=200, json_schema_extra={"format": "email"}, examples=["ada@example.org"])
    name: str = Field(min_length=1, max_length=100, examples=["Ada"])
    password: str = Field(min_length=8, max_length=200, examples=["long-enough"])


class Customer(BaseModel):
    """A customer, as they are kept."""

    customer_id: int
    email: str
    name: str


class SessionIn(BaseModel):
    """What a customer signs in with."""

    email: str = Field(min_length=3, max_length=200, examples=["ada@example.org"])
    password: str = Field(min_length=1, max_length=200, examples=["long-enough"])


class Session(BaseModel):
    """A signed-in customer."""

    token: str
    customer_id: int
    expires_in_s: int


class Restaurant(BaseModel):
    """One restaurant."""

    id: int
    name: str
    cuisine: str
    rating: float


class RestaurantPage(BaseModel):
    """Restaurants; `next` is the cursor of the next page, None on the last."""

    restaurants: list[Restaurant]
    next: int | None


class Dish(BaseModel):
    """One dish."""

    id: int
    name: str
    price_cents: int
    available: bool = Field(description="Whether the kitchen has portions left")


class Menu(BaseModel):
    """A restaurant and what it cooks."""

    restaurant: Restaurant
    dishes: list[Dish]


class PopularDish(BaseModel):
    """A dish, and how often it was ordered."""

    dish_id: int
    name: str
    restaurant_id: int
    restaurant: str
    ordered: int


class PopularDishes(BaseModel):
    """What is ordered most, the most first. It follows orders a moment behind."""

    dishes: list[PopularDish]


class Line(BaseModel):
    """A dish and how many of it."""

    dish_id: int = Field(ge=1, le=10**9, examples=[701])
    quantity: int = Field(ge=1, le=20, examples=[2])


class Basket(BaseModel):
    """What a customer wants."""

    restaurant_id: int = Field(ge=1, le=10**9, examples=[7])
    items: list[Line] = Field(min_length=1, max_length=50)


class Order(BaseModel):
    """An order. `awaiting_courier`: accepted and paid, a courier is being found."""

    id: str
    status: Literal["pending", "confirmed", "awaiting_courier", "cancelled"]
    restaurant_id: int
    items: list[Line]
    total_cents: int
    created_at: float = Field(description="Unix time, seconds")


class OrderPage(BaseModel):
    """Orders, newest first; `next` is the cursor of the next page, None on the last."""

    orders: list[Order]
    next: str | None


class Tracking(BaseModel):
    """Where an order is. `unknown`: deliveries does not answer at the moment."""

    order_id: str
    status: Literal["assigned", "awaiting_courier", "withdrawn", "unknown"]
    courier: str | None = None


class Notification(BaseModel):
    """What a customer was told about an order."""

    order_id: str
    kind: str
    text: str
    created_at: float = Field(description="Unix time, seconds")


class Inbox(BaseModel):
    """A customer's latest notifications, newest first."""

    notifications: list[Notification]
