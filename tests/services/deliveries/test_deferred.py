"""An accepted order that waits for a courier gets one, and its sender is told."""

import uuid

import pytest
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from services.deliveries.deferred import DeferredAssignment
from services.deliveries.domain import AssignmentState
from services.deliveries.schemas import CourierAssigned
from services.deliveries.store import AssignmentStore
from services.kit.database import Database
from services.kit.events.event import Event, UnreadableEventError
from services.kit.events.publisher import Publisher

ORDER = "6f1d3a0e-8a3e-4d55-9d6c-0b7c1f2e9a41"


class KeptOutbox(Publisher):
    """Keeps what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str, BaseModel]] = []

    async def publish(
        self, connection: AsyncConnection, event_type: str, *, key: str, payload: BaseModel, regardless: bool = False
    ) -> str:
        assert connection.in_transaction()
        self.published.append((event_type, key, payload))
        return str(uuid.uuid4())


async def handle(database: Database, outbox: Publisher, order_id: str, payload: str = '{"customer_id": 5}') -> None:
    event = Event(str(uuid.uuid4()), "order.courier_wanted", order_id, payload, 1.0, {})
    async with database.write() as connection:
        await DeferredAssignment(outbox)(connection, event)


async def test_a_courier_is_found_and_told_of(database: Database, store: AssignmentStore) -> None:
    outbox, order_id = KeptOutbox(), str(uuid.uuid4())
    await handle(database, outbox, order_id)
    found = await store.find(order_id)
    assert found is not None
    assert (found.customer_id, found.state) == (5, AssignmentState.ASSIGNED)
    assert outbox.published == [("courier.assigned", order_id, CourierAssigned(customer_id=5, courier_id=found.courier_id))]


async def test_a_courier_who_was_found_by_a_call_whose_answer_was_lost_is_told_of(
    database: Database, store: AssignmentStore
) -> None:
    outbox, order_id = KeptOutbox(), str(uuid.uuid4())
    found = await store.assign(order_id, 5)
    assert outbox.published == []
    await handle(database, outbox, order_id)
    assert outbox.published == [("courier.assigned", order_id, CourierAssigned(customer_id=5, courier_id=found.courier_id))]


async def test_an_order_that_was_withdrawn_meanwhile_gets_nobody_and_the_event_is_handled(
    database: Database, store: AssignmentStore
) -> None:
    outbox, order_id = KeptOutbox(), str(uuid.uuid4())
    await store.withdraw(order_id)
    await handle(database, outbox, order_id)
    assert outbox.published == []
    assert [courier for courier in await store.couriers(0, 100) if courier.assigned] == []


@pytest.mark.parametrize(
    ("order_id", "payload"),
    [
        ("not-an-order", '{"customer_id": 5}'),
        ("0" * 36 + "\n", '{"customer_id": 5}'),
        (ORDER, "{}"),
        (ORDER, '{"customer_id": 99999999999999999999}'),
        (ORDER, "\U0001f355"),
    ],
)
async def test_an_event_that_cannot_be_read_is_refused(
    database: Database, store: AssignmentStore, order_id: str, payload: str
) -> None:
    outbox = KeptOutbox()
    with pytest.raises(UnreadableEventError):
        await handle(database, outbox, order_id, payload)
    assert (outbox.published, await store.page("", 10)) == ([], [])
