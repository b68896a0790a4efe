"""What the gateway asks of others, and what it makes of every answer that it tells apart."""

from services.gateway import schemas
from services.gateway.clients import Deliveries, Marked, Notifications, Orders, Restaurants, Users
from services.kit.errors import (
    ConflictError,
    NotFoundError,
    OverloadedError,
    RefusedError,
    ShedError,
    UnauthenticatedError,
)
from services.kit.replies import GaveUpError
from tests.contracts.consumer import ORDER, Exercise
from tests.contracts.documents import Json
from tests.contracts.of_orders import ASSIGNED, BUSY, PROBLEM, WITHDRAWN, WITHDRAWN_EARLY

SEEDED = "customer 42 has signed up"
ADA = "Ada has signed up"
CONFIRMED, AWAITING = "customer 7 has a confirmed order", "customer 7 has an order that awaits its courier"
CANCELLED = "customer 7 has a cancelled order"
KEY_USED = "customer 7 used the key for another basket"
NO_COURIERS, NO_PAYMENTS = "deliveries does not answer", "payments does not answer"
NO_ROOM = "payments has more to do than it takes on"
TOLD, SERVES = "customer 7 was told of an order", "it serves the restaurants of a fresh system"
_EMAIL, _PASSWORD = "customer-0042@feastfast.example", "correct-horse-battery"


def _users() -> list[Exercise]:
    sign_up, sign_in, there = Users.sign_up, Users.sign_in, "users"
    ada = schemas.CustomerIn(email="ada@example.org", name="Ada", password="a-long-password")
    grace = schemas.CustomerIn(email="grace@example.org", name="Grace", password="a-long-password")
    other = schemas.CustomerIn(email="ada@example.org", name="Ada", password="another-password")
    unfit = schemas.CustomerIn(email="no address", name="Ada", password="a-long-password")
    made = schemas.Customer(customer_id=1_001, email=grace.email, name=grace.name)
    known, wrong = (schemas.SessionIn(email=_EMAIL, password=each) for each in (_PASSWORD, "wrong"))
    found = {"customer_id": 42, "name": "Customer 42"}
    return [
        Exercise(there, sign_up, (grace,), 201, made.model_dump(), made, SEEDED),
        Exercise(there, sign_up, (ada,), 201, made.model_dump(), made, ADA),
        Exercise(there, sign_up, (other,), 409, PROBLEM, ConflictError, ADA),
        Exercise(there, sign_up, (unfit,), 422, PROBLEM, RefusedError, SEEDED),
        Exercise(there, sign_up, (grace,), 429, PROBLEM, ShedError, BUSY),
        Exercise(there, sign_in, (known,), 200, found, 42, SEEDED),
        Exercise(there, sign_in, (wrong,), 401, PROBLEM, UnauthenticatedError, SEEDED),
        Exercise(there, sign_in, (known,), 429, PROBLEM, ShedError, BUSY),
    ]


def _restaurants() -> list[Exercise]:
    there = "restaurants"
    restaurant = schemas.Restaurant(id=7, name="Lucky Lantern", cuisine="Thai", rating=4.5)
    page = schemas.RestaurantPage(restaurants=[restaurant], next=7)
    dish = schemas.Dish(id=701, name="Grilled tofu", price_cents=950, available=True)
    menu = schemas.Menu(restaurant=restaurant, dishes=[dish])
    popular = schemas.PopularDishes(
        dishes=[schemas.PopularDish(dish_id=701, name=dish.name, restaurant_id=7, restaurant=restaurant.name, ordered=3)]
    )
    return [
        Exercise(there, Restaurants.page, (0, 20), 200, page.model_dump(), Marked(page), SERVES),
        Exercise(there, Restaurants.menu, (7,), 200, menu.model_dump(), Marked(menu), SERVES),
        Exercise(there, Restaurants.menu, (999_999,), 404, PROBLEM, NotFoundError, SERVES),
        Exercise(there, Restaurants.popular, (10,), 200, popular.model_dump(), Marked(popular), SERVES),
    ]


def _orders() -> list[Exercise]:
    place, page, find, cancel, there = Orders.place, Orders.page, Orders.find, Orders.cancel, "orders"
    order, basket = _an_order("confirmed"), schemas.Basket.model_validate({"restaurant_id": 7, "items": [_LINE]})
    awaiting, cancelled = _an_order("awaiting_courier"), _an_order("cancelled")
    nowhere = schemas.Basket.model_validate({"restaurant_id": 999_999, "items": [_LINE]})
    strange = schemas.Basket.model_validate({"restaurant_id": 7, "items": [{"dish_id": 899, "quantity": 1}]})
    orders = schemas.OrderPage(orders=[order], next=None)
    return [
        Exercise(there, place, (7, basket, ORDER), 201, order.model_dump(), Marked(order)),
        Exercise(there, place, (7, basket, ORDER), 201, awaiting.model_dump(), Marked(awaiting, "defer"), NO_COURIERS, "defer"),
        Exercise(there, place, (7, nowhere, ORDER), 404, PROBLEM, NotFoundError),
        Exercise(there, place, (7, strange, ORDER), 422, PROBLEM, RefusedError),
        Exercise(there, place, (7, basket, ORDER), 409, PROBLEM, ConflictError, KEY_USED),
        Exercise(there, place, (7, basket, ORDER), 424, PROBLEM, GaveUpError, NO_PAYMENTS),
        Exercise(there, place, (7, basket, ORDER), 424, PROBLEM, OverloadedError, NO_ROOM, retry_after_s=1),
        Exercise(there, page, (7, "", 20), 200, orders.model_dump(), orders, CONFIRMED),
        Exercise(there, page, (7, "nonsense", 20), 422, PROBLEM, RefusedError),
        Exercise(there, find, (ORDER, 7), 200, order.model_dump(), order, CONFIRMED),
        Exercise(there, find, (ORDER, 8), 404, PROBLEM, NotFoundError, CONFIRMED),
        Exercise(there, cancel, (ORDER, 7), 200, cancelled.model_dump(), cancelled, AWAITING),
        Exercise(there, cancel, (ORDER, 7), 200, cancelled.model_dump(), cancelled, CANCELLED),
        Exercise(there, cancel, (ORDER, 7), 409, PROBLEM, ConflictError, CONFIRMED),
        Exercise(there, cancel, (ORDER, 7), 404, PROBLEM, NotFoundError),
    ]


def _deliveries() -> list[Exercise]:
    there, track = "deliveries", Deliveries.track
    order_id = Exercise(there, track, (), 200, None, None, ASSIGNED).order_id
    brought = Marked(schemas.Tracking(order_id=order_id, status="assigned", courier="Courier 1"))
    found = {"order_id": order_id, "customer_id": 7, "courier_id": 1, "courier": "Courier 1", "state": "assigned"}
    taken = Exercise(there, track, (), 200, None, None, WITHDRAWN).order_id
    withdrawn = Marked(schemas.Tracking(order_id=taken, status="withdrawn", courier="Courier 1"))
    return [
        Exercise(there, track, (ORDER, 7), 200, found, brought, ASSIGNED),
        Exercise(there, track, (ORDER, 7), 200, {**found, "state": "withdrawn"}, withdrawn, WITHDRAWN),
        Exercise(there, track, (ORDER, 7), 200, {**found, "customer_id": 0, "state": "withdrawn"}, None, WITHDRAWN_EARLY),
        Exercise(there, track, (ORDER, 7), 404, PROBLEM, None),
    ]


def _notifications() -> list[Exercise]:
    told = schemas.Notification(order_id="x", kind="confirmed", text="Your order is confirmed.", created_at=1_700_000_000.5)
    inbox = schemas.Inbox(notifications=[told])
    return [Exercise("notifications", Notifications.inbox, (7,), 200, inbox.model_dump(), Marked(inbox), TOLD)]


_LINE = {"dish_id": 701, "quantity": 2}


def _an_order(status: str) -> schemas.Order:
    values: Json = {"id": "x", "status": status, "restaurant_id": 7, "items": [_LINE], "total_cents": 1_900, "created_at": 1.5}
    return schemas.Order.model_validate(values)


EXERCISES = [*_users(), *_restaurants(), *_orders(), *_deliveries(), *_notifications()]
