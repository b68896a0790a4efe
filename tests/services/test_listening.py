"""Services that hear events, whole: what arrives twice takes effect once, and what cannot be read is kept for people to see."""

import json
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path

import pytest

from services.kit.settings import Settings
from tests.services.databases import Databases
from tests.services.routes import TOKEN, Routes

Start = Callable[[str], AbstractAsyncContextManager[Routes]]
ITEMS = [{"dish_id": 701, "quantity": 2}, {"dish_id": 703, "quantity": 1}]
ACCEPTED = {"customer_id": 5, "restaurant_id": 7, "items": ITEMS, "total_cents": 4_000, "courier": "awaited"}
WANTED = {"customer_id": 5}


@pytest.fixture
def start(tmp_path: Path, databases: Databases) -> Iterator[Start]:
    """Starts a service of the declared topology, alone. It takes the process's logging for itself, and here gives it back."""

    @asynccontextmanager
    async def start(service: str) -> AsyncIterator[Routes]:
        url = await databases.fresh(service)
        registry = tmp_path / "registry.json"
        settings = Settings(service=service, registry=registry, database_url=url, internal_token=TOKEN)
        app = import_module(f"services.{service}.main").create_app(settings)
        async with app.router.lifespan_context(app):
            yield Routes(app)
        await databases.discard(url)

    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield start
    root.handlers[:], root.level = before, level


def envelope(event_type: str, payload: object, key: str = "") -> dict[str, object]:
    told = {"id": str(uuid.uuid4()), "type": event_type, "key": key or str(uuid.uuid4()), "occurred_at": 1.0}
    return told | {"payload": json.dumps(payload)}


async def push(routes: Routes, event: dict[str, object], times: int = 1) -> None:
    for _ in range(times):
        assert (await routes.ask("POST", "/internal/events", event)).status == 204


async def test_restaurants_count_an_event_once_however_often_it_arrives(start: Start) -> None:
    async with start("restaurants") as routes:
        await push(routes, envelope("order.accepted", ACCEPTED), times=3)
        counted = await routes.rows("/internal/audit/popular")
        assert counted == [{"dish_id": 701, "ordered": 2}, {"dish_id": 703, "ordered": 1}]


async def test_customers_are_told_of_an_event_once_however_often_it_arrives(start: Start) -> None:
    async with start("notifications") as routes:
        await push(routes, envelope("order.accepted", ACCEPTED), times=3)
        told = (await routes.ask("GET", "/internal/notifications?customer_id=5")).json["notifications"]
        assert [each["kind"] for each in told] == ["awaiting_courier"]


async def test_a_wanted_courier_is_found_and_told_of_once_however_often_the_event_arrives(start: Start) -> None:
    order_id = str(uuid.uuid4())
    async with start("deliveries") as routes:
        await push(routes, envelope("order.courier_wanted", WANTED, order_id), times=3)
        assert [row["order_id"] for row in await routes.rows("/internal/audit")] == [order_id]
        told = await routes.rows("/internal/audit/outbox")
        assert [(row["type"], row["key"], row["destination"]) for row in told] == [("courier.assigned", order_id, "orders")]


async def test_a_courier_who_is_assigned_by_a_call_is_told_of_to_the_caller_alone(start: Start) -> None:
    async with start("deliveries") as routes:
        assert (await routes.ask("PUT", f"/internal/assignments/{uuid.uuid4()}", WANTED)).status == 200
        assert await routes.rows("/internal/audit/outbox") == []


@pytest.mark.parametrize(
    ("service", "event_type"),
    [
        ("restaurants", "order.accepted"),
        ("restaurants", "order.cancelled"),
        ("notifications", "order.accepted"),
        ("notifications", "order.confirmed"),
        ("notifications", "order.cancelled"),
        ("deliveries", "order.courier_wanted"),
    ],
)
async def test_an_event_that_a_service_cannot_read_is_kept_and_not_sent_again(
    start: Start, service: str, event_type: str
) -> None:
    poison = envelope(event_type, {"customer_id": 2**64, "restaurant_id": -1, "items": "\U0001f355"})
    async with start(service) as routes:
        await push(routes, poison)
        letters = await routes.rows("/internal/dead-letters")
        assert [(letter["event_id"], letter["type"]) for letter in letters] == [(poison["id"], event_type)]
        assert json.loads(str(letters[0]["envelope"]))["payload"] == poison["payload"]
