"""What orders asks of others, and what it makes of every answer that it tells apart."""

from services.kit.errors import ConflictError, NotFoundError, RefusedError, ShedError
from services.orders.clients import Deliveries, Payments, Restaurants
from services.orders.domain import Line
from tests.contracts.consumer import ORDER, Exercise

BASKET = (Line(701, 2), Line(703, 1))
PROBLEM = {"type": "about:blank", "title": "No", "status": 400, "detail": "a reason", "trace_id": "0" * 32}
RESERVED, RELEASED, ANOTHER = "its portions are reserved", "its portions were released", "it reserved another basket"
AUTHORISED, CAPTURED, VOIDED = "its payment is authorised", "its payment is captured", "its payment was voided"
REFUNDED = "its payment was refunded"
ASSIGNED, WITHDRAWN = "a courier brings it to customer 7", "it was taken from its courier"
WITHDRAWN_EARLY = "it was withdrawn before it had a courier"
BUSY = "it has more to do than it takes on"
_TOTAL, _TOO_MUCH = 4_350, 250_000
_PRICE = {"order_id": "x", "state": "reserved", "total_cents": _TOTAL}


def _restaurants() -> list[Exercise]:
    reserve, release, there = Restaurants.reserve, Restaurants.release, "restaurants"
    return [
        Exercise(there, reserve, (ORDER, 7, BASKET), 200, _PRICE, _TOTAL),
        Exercise(there, reserve, (ORDER, 7, BASKET), 200, _PRICE, _TOTAL, RESERVED),
        Exercise(there, reserve, (ORDER, 7, BASKET), 409, PROBLEM, ConflictError, RELEASED),
        Exercise(there, reserve, (ORDER, 7, BASKET), 409, PROBLEM, ConflictError, ANOTHER),
        Exercise(there, reserve, (ORDER, 999_999, BASKET), 404, PROBLEM, NotFoundError),
        Exercise(there, reserve, (ORDER, 7, (Line(899, 1),)), 422, PROBLEM, RefusedError),
        Exercise(there, release, (ORDER,), 204, None, None, RESERVED),
        Exercise(there, release, (ORDER,), 204, None, None),
        Exercise(there, release, (ORDER,), 204, None, None, RELEASED),
    ]


def _payments() -> list[Exercise]:
    authorise, capture, void, refund, there = Payments.authorise, Payments.capture, Payments.void, Payments.refund, "payments"
    done = {"order_id": "x", "amount_cents": _TOTAL, "state": "authorised"}
    return [
        Exercise(there, authorise, (ORDER, 7, _TOTAL), 200, done, None),
        Exercise(there, authorise, (ORDER, 7, _TOTAL), 200, done, None, AUTHORISED),
        Exercise(there, authorise, (ORDER, 7, _TOTAL), 409, PROBLEM, ConflictError, VOIDED),
        Exercise(there, authorise, (ORDER, 7, _TOO_MUCH), 422, PROBLEM, RefusedError),
        Exercise(there, authorise, (ORDER, 7, _TOTAL), 429, PROBLEM, ShedError, BUSY),
        Exercise(there, capture, (ORDER,), 429, PROBLEM, ShedError, BUSY),
        Exercise(there, void, (ORDER,), 429, PROBLEM, ShedError, BUSY),
        Exercise(there, refund, (ORDER,), 429, PROBLEM, ShedError, BUSY),
        Exercise(there, capture, (ORDER,), 200, done, None, AUTHORISED),
        Exercise(there, capture, (ORDER,), 200, done, None, CAPTURED),
        Exercise(there, capture, (ORDER,), 409, PROBLEM, ConflictError),
        Exercise(there, capture, (ORDER,), 409, PROBLEM, ConflictError, VOIDED),
        Exercise(there, void, (ORDER,), 200, done, None, AUTHORISED),
        Exercise(there, void, (ORDER,), 200, done, None),
        Exercise(there, void, (ORDER,), 200, done, None, REFUNDED),
        Exercise(there, void, (ORDER,), 409, PROBLEM, ConflictError, CAPTURED),
        Exercise(there, refund, (ORDER,), 200, done, None, CAPTURED),
        Exercise(there, refund, (ORDER,), 200, done, None, AUTHORISED),
        Exercise(there, refund, (ORDER,), 200, done, None),
    ]


def _deliveries() -> list[Exercise]:
    assign, unassign, there = Deliveries.assign, Deliveries.unassign, "deliveries"
    found = {"order_id": "x", "customer_id": 7, "courier_id": 1, "courier": "Courier 1", "state": "assigned"}
    return [
        Exercise(there, assign, (ORDER, 7), 200, found, True),
        Exercise(there, assign, (ORDER, 7), 200, found, True, ASSIGNED),
        Exercise(there, assign, (ORDER, 7), 409, PROBLEM, ConflictError, WITHDRAWN),
        Exercise(there, unassign, (ORDER,), 204, None, None, ASSIGNED),
        Exercise(there, unassign, (ORDER,), 204, None, None),
        Exercise(there, unassign, (ORDER,), 204, None, None, WITHDRAWN),
    ]


EXERCISES = [*_restaurants(), *_payments(), *_deliveries()]
