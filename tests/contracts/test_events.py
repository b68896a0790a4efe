"""What a producer tells is what its consumers read."""

import copy

import pytest

from services.orders import events
from services.orders.domain import Line, Order, OrderStatus
from services.topology import load_topology
from tests.contracts.documents import FOLDER, Json, read
from tests.contracts.events import HANDLERS, KEY, TOLD, read_by
from tests.contracts.schemas import Fit, Way

TOLD_TO = [(name, consumer) for name, route in load_topology().events.items() for consumer in route.consumers]
DOCUMENT = read(FOLDER / "events.json")


def misfits(document: Json, event_type: str, consumer: str) -> list[str]:
    told, wanted = document[event_type]["payload"], document[event_type]["consumers"][consumer]
    return list(Fit(told, wanted, Way.READ).misfits(told, wanted, f"{event_type} to {consumer}"))


def test_every_event_of_the_topology_is_told_and_handled_and_no_other() -> None:
    assert set(TOLD) == set(load_topology().events)
    assert {(event_type, consumer) for consumer, handlers in HANDLERS.items() for event_type in handlers} == set(TOLD_TO)


@pytest.mark.parametrize(("event_type", "consumer"), TOLD_TO)
def test_a_payload_has_what_its_consumer_reads(event_type: str, consumer: str) -> None:
    assert misfits(DOCUMENT, event_type, consumer) == []


@pytest.mark.parametrize("status", list(OrderStatus))
async def test_what_orders_writes_of_an_order_is_read_by_all(status: OrderStatus) -> None:
    deferred = status is OrderStatus.AWAITING_COURIER
    order = Order(KEY, 7, 7, (Line(701, 2), Line(703, 1)), 4_350, status, deferred, 1_700_000_000.5)
    written = {events.ACCEPTED: events.accepted(order), events.CANCELLED: events.cancelled(order)}
    for event_type, payload in written.items():
        for consumer in load_topology().events[event_type].consumers:
            read_as = await read_by(consumer, event_type)
            told = read_as.model_validate_json(payload.model_dump_json())
            assert told.model_dump().items() <= payload.model_dump().items()


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("customer_id", "order.accepted to notifications.customer_id: is gone"),
        ("courier", "order.accepted to notifications.courier: is gone"),
    ],
)
def test_a_field_that_is_no_longer_told_is_named(field: str, told: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    del document[events.ACCEPTED]["payload"]["properties"][field]
    assert told in misfits(document, events.ACCEPTED, "notifications")


def test_a_value_that_a_consumer_does_not_know_is_named() -> None:
    document = copy.deepcopy(DOCUMENT)
    document[events.ACCEPTED]["payload"]["properties"]["courier"]["enum"].append("lost")
    assert misfits(document, events.ACCEPTED, "notifications") == [
        "order.accepted to notifications.courier: may be 'lost', not only 'assigned', 'awaited'"
    ]
