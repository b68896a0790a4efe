"""A contract that either side breaks is named. Without this, a check that never fails would look the same as one that holds."""

import copy
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import schemas
from services.gateway.clients import Marked, Notifications
from tests.contracts.consumer import Exercise, record
from tests.contracts.documents import FOLDER, Json, read
from tests.contracts.interaction import Contract, Interaction
from tests.contracts.provider import InProcess, order_in, replay, running, undocumented
from tests.contracts.states import STATES


class Changed:
    """An application whose answers are changed on their way out, as by a release that did not look at its contracts."""

    def __init__(self, app: ASGIApp, status: int = 0, rename: tuple[str, str] = ("", "")) -> None:
        self._app, self._status, self._rename = app, status, rename

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start" and self._status:
                message = {**message, "status": self._status}
            if message["type"] == "http.response.body" and all(self._rename):
                old, new = (f'"{name}":'.encode() for name in self._rename)
                message = {**message, "body": message["body"].replace(old, new)}
            await send(message)

        await self._app(scope, receive, changed)


def interaction(consumer: str, provider: str, what: str, status: int) -> Interaction:
    (contract,) = (each for each in Contract.committed() if (each.consumer, each.provider) == (consumer, provider))
    return next(each for each in contract.interactions if each.what == what and each.answer.status == status)


@pytest.fixture
async def restaurants(tmp_path: Path) -> AsyncIterator[ASGIApp]:
    async with running("restaurants", tmp_path) as app:
        yield app


async def broken(app: ASGIApp, held: Interaction, changed: ASGIApp | None = None) -> list[str]:
    """What of `held` the application does not keep, or one that is `changed`."""
    await STATES["restaurants"][held.given](InProcess(app), order_in(held))
    return await replay(InProcess(changed or app), held)


async def test_a_renamed_field_is_named(restaurants: ASGIApp) -> None:
    held = interaction("orders", "restaurants", "reserve", 200)
    (found,) = await broken(restaurants, held, Changed(restaurants, rename=("total_cents", "total")))
    assert found == 'reserve, given nothing is known of the order: body: "total_cents" is a required property'


async def test_a_field_of_another_type_is_named(restaurants: ASGIApp) -> None:
    held = interaction("gateway", "restaurants", "menu", 200)
    answer_reads = copy.deepcopy(held.answer.reads)
    answer_reads["$defs"]["Dish"]["properties"]["price_cents"]["type"] = "string"
    expecting = held.model_copy(update={"answer": held.answer.model_copy(update={"reads": answer_reads})})
    found = await broken(restaurants, expecting)
    assert found
    assert 'is not of type "string"' in found[0]


async def test_another_status_is_named(restaurants: ASGIApp) -> None:
    held = interaction("orders", "restaurants", "reserve", 409)
    (found,) = await broken(restaurants, held, Changed(restaurants, status=410))
    assert "answers 410, not 409" in found


async def test_a_removed_route_is_named(restaurants: ASGIApp) -> None:
    held = interaction("gateway", "restaurants", "popular", 200)
    held = held.model_copy(update={"request": held.request.model_copy(update={"path": "/internal/dishes/beloved?limit=10"})})
    (found,) = await broken(restaurants, held)
    assert "answers 404, not 200" in found


async def test_a_missing_header_is_named(restaurants: ASGIApp) -> None:
    held = interaction("gateway", "restaurants", "popular", 200)
    held = held.model_copy(update={"answer": held.answer.model_copy(update={"headers": {"Degraded": "static"}})})
    assert await broken(restaurants, held) == [
        "popular, given it serves the restaurants of a fresh system: the header Degraded is missing, not static"
    ]


def _without_route(document: Json) -> None:
    del document["paths"]["/internal/reservations/{order_id}"]["put"]


def _without_status(document: Json) -> None:
    del document["paths"]["/internal/reservations/{order_id}"]["put"]["responses"]["409"]


def _without_field(document: Json) -> None:
    del document["components"]["schemas"]["ReservationOut"]["properties"]["total_cents"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without_route, "is no route"),
        (_without_status, "409 is not documented"),
        (_without_field, "reserve, given nothing is known of the order.total_cents: is gone"),
    ],
)
def test_a_document_that_promises_less_than_a_consumer_needs_is_named(change: Callable[[Json], None], told: str) -> None:
    (contract,) = (each for each in Contract.committed() if each.file == "contracts/orders-restaurants.json")
    document = read(FOLDER / "restaurants.json")
    assert undocumented(contract, document) == []
    change(document)
    assert any(told in found for found in undocumented(contract, document))


def test_a_value_that_a_consumer_does_not_know_is_named() -> None:
    (contract,) = (each for each in Contract.committed() if each.file == "contracts/gateway-deliveries.json")
    document = read(FOLDER / "deliveries.json")
    document["components"]["schemas"]["AssignmentState"]["enum"].append("lost")
    found = undocumented(contract, document)
    assert found
    assert all(each.endswith(".state: may be 'lost', not only 'assigned', 'withdrawn'") for each in found)


async def test_a_consumer_that_reads_more_than_it_did_changes_its_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    class Notification(schemas.Notification):
        courier: str

    class Inbox(schemas.Inbox):
        notifications: list[Notification]  # type: ignore[assignment]  # just what must not go unnoticed

    monkeypatch.setattr(schemas, "Inbox", Inbox)
    told = {"order_id": "x", "kind": "confirmed", "text": "Yes.", "created_at": 1.5, "courier": "Courier 1"}
    inbox = Inbox.model_validate({"notifications": [told]})
    exercise = Exercise("notifications", Notifications.inbox, (7,), 200, json.loads(inbox.model_dump_json()), Marked(inbox))
    written = await record("gateway", exercise)
    assert written.answer.reads != interaction("gateway", "notifications", "inbox", 200).answer.reads


async def test_a_consumer_that_makes_something_else_of_an_answer_fails_its_contract() -> None:
    wrong = Exercise("notifications", Notifications.inbox, (7,), 200, {"notifications": []}, "something else")
    with pytest.raises(AssertionError, match="not 'something else'"):
        await record("gateway", wrong)
