"""What customers are told: one notification an event, newest first, and only their own."""

import json
import uuid

import pytest
from sqlalchemy import func, select

from services.kit.database import Database
from services.kit.events.event import Event, UnreadableEventError
from services.notifications import telling
from services.notifications.store import KEPT, Notification, NotificationStore, keep, notifications
from tests.services.routes import Routes, is_problem

ORDER = "00000000-0000-4000-8000-000000000001"
EVENT = "00000000-0000-4000-8000-00000000000e"


async def handle(
    database: Database, event_type: str, payload: dict[str, object] | None = None, at: float = 1.0, event_id: str = EVENT
) -> None:
    event = Event(event_id, event_type, ORDER, json.dumps({"customer_id": 5} | (payload or {})), at, {})
    async with database.write() as connection:
        await telling.HANDLERS[event_type](connection, event)


async def inbox(routes: Routes, customer_id: int = 5) -> list[dict[str, object]]:
    told: list[dict[str, object]] = (await routes.ask("GET", f"/internal/notifications?customer_id={customer_id}")).json[
        "notifications"
    ]
    return told


@pytest.mark.parametrize(
    ("event_type", "payload", "kind", "text"),
    [
        ("order.accepted", {"courier": "assigned"}, "confirmed", telling.CONFIRMED),
        ("order.accepted", {"courier": "awaited"}, "awaiting_courier", telling.AWAITING_COURIER),
        ("order.confirmed", {}, "confirmed", telling.COURIER_FOUND),
        ("order.cancelled", {"was_accepted": True}, "cancelled", telling.MONEY_BACK),
        ("order.cancelled", {"was_accepted": False}, "cancelled", telling.NOTHING_TO_PAY),
    ],
)
async def test_an_event_is_told_in_words(
    database: Database, routes: Routes, event_type: str, payload: dict[str, object], kind: str, text: str
) -> None:
    await handle(database, event_type, payload, at=12.5)
    assert await inbox(routes) == [{"order_id": ORDER, "kind": kind, "text": text, "created_at": 12.5}]


async def test_the_same_event_is_told_once(database: Database, routes: Routes) -> None:
    for _ in range(2):
        await handle(database, "order.confirmed")
    assert len(await inbox(routes)) == 1


async def test_what_happened_last_comes_first_whenever_it_arrives(database: Database, routes: Routes) -> None:
    await handle(database, "order.confirmed", at=2.0, event_id=str(uuid.uuid4()))
    await handle(database, "order.accepted", {"courier": "awaited"}, at=1.0, event_id=str(uuid.uuid4()))
    await handle(database, "order.cancelled", {"was_accepted": True}, at=3.0, event_id=str(uuid.uuid4()))
    assert [each["created_at"] for each in await inbox(routes)] == [3.0, 2.0, 1.0]


async def test_customers_see_their_own_notifications_alone(database: Database, routes: Routes) -> None:
    await handle(database, "order.confirmed", {"customer_id": 6})
    assert (len(await inbox(routes, 6)), await inbox(routes, 5)) == (1, [])


async def test_an_inbox_shows_fifty_and_the_oldest_are_forgotten(
    database: Database, store: NotificationStore, routes: Routes
) -> None:
    async with database.write() as connection:
        for number in range(KEPT + 3):
            kept = Notification(f"{number:036d}", ORDER, "confirmed", 5, telling.CONFIRMED, float(number))
            await keep(connection, kept)
        await keep(connection, Notification(EVENT, ORDER, "confirmed", 6, telling.CONFIRMED, 0.0))
    newest = [float(number) for number in range(KEPT + 2, KEPT - 48, -1)]
    assert [each["created_at"] for each in await inbox(routes)] == newest
    async with database.read() as connection:
        counted = select(notifications.c.customer_id, func.count()).group_by(notifications.c.customer_id)
        assert {row[0]: row[1] for row in await connection.execute(counted)} == {5: KEPT, 6: 1}
    assert min(each.created_at for each in await store.latest(5, KEPT)) == 3.0


@pytest.mark.parametrize("payload", [{"customer_id": 0}, {"customer_id": 2**64}, {"courier": "\U0001f6f5"}, {}])
async def test_an_event_that_cannot_be_read_is_refused(database: Database, routes: Routes, payload: dict[str, object]) -> None:
    with pytest.raises(UnreadableEventError):
        await handle(database, "order.accepted", payload)
    assert await inbox(routes) == []


async def test_an_event_about_no_order_is_refused(database: Database, store: NotificationStore) -> None:
    event = Event(EVENT, "order.confirmed", "o" * 100, '{"customer_id": 5}', 1.0, {})
    with pytest.raises(UnreadableEventError):
        async with database.write() as connection:
            await telling.confirmed(connection, event)
    assert await store.latest(5, 1) == []


@pytest.mark.parametrize("query", ["", "?customer_id=0", "?customer_id=x", f"?customer_id={2**63}", "?customer_id=%F0%9F%8D%95"])
async def test_an_inbox_of_nobody_is_a_problem(routes: Routes, query: str) -> None:
    assert is_problem(await routes.ask("GET", f"/internal/notifications{query}"), 422)


async def test_strangers_are_refused(routes: Routes) -> None:
    assert is_problem(await routes.ask("GET", "/internal/notifications?customer_id=5", token="guessed"), 403)


async def test_the_audit_pages_through_every_notification_with_its_event(database: Database, routes: Routes) -> None:
    events = sorted(str(uuid.uuid4()) for _ in range(3))
    for event in events:
        await handle(database, "order.confirmed", event_id=event)
    first = (await routes.ask("GET", "/internal/audit?limit=2")).json
    assert first["rows"][0] == {"event_id": events[0], "order_id": ORDER, "customer_id": 5, "kind": "confirmed"}
    rest = (await routes.ask("GET", f"/internal/audit?limit=2&after={first['next']}")).json
    assert [row["event_id"] for row in (*first["rows"], *rest["rows"])] == events
    assert rest["next"] is None
