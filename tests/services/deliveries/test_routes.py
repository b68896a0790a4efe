"""What deliveries answers over the wire, also to what makes no sense."""

import pytest

from services.deliveries.store import COURIERS
from tests.services.routes import Routes, is_problem

ORDER = "00000000-0000-4000-8000-000000000001"
PATH = f"/internal/assignments/{ORDER}"


async def test_an_assignment_is_answered_and_audited_with_its_courier(routes: Routes) -> None:
    made = (await routes.ask("PUT", PATH, {"customer_id": 5})).json
    assert (made["customer_id"], made["state"]) == (5, "assigned")
    assert (await routes.ask("GET", PATH)).json == made
    assert await routes.rows("/internal/audit") == [{"order_id": ORDER, "courier_id": made["courier_id"], "state": "assigned"}]
    couriers = await routes.rows("/internal/audit/couriers", limit=20)
    assert len(couriers) == COURIERS
    assert [row for row in couriers if row["assigned"]] == [{"courier_id": made["courier_id"], "assigned": 1}]


async def test_an_assignment_after_its_withdrawal_is_a_conflict(routes: Routes) -> None:
    assert [(await routes.ask("DELETE", PATH)).status for _ in range(2)] == [204, 204]
    assert is_problem(await routes.ask("PUT", PATH, {"customer_id": 5}), 409)


@pytest.mark.parametrize("customer_id", [0, -1, 2**63, 2**64, 1.5, "\U0001f355", None, [1]])
async def test_a_customer_who_cannot_be_is_a_problem(routes: Routes, customer_id: object) -> None:
    assert is_problem(await routes.ask("PUT", PATH, {"customer_id": customer_id}), 422)


@pytest.mark.parametrize("body", [None, {}, [], b"{", b"\xff", b'{"customer_id": NaN}', b'{"customer_id": 1, "customer_id": 2}'])
async def test_a_body_that_makes_no_sense_is_a_problem(routes: Routes, body: object) -> None:
    assert is_problem(await routes.ask("PUT", PATH, body), 400, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/internal/assignments/1",
        PATH,
        "/internal/audit?limit=0",
        "/internal/audit/couriers?after=x",
        f"/internal/audit/couriers?after={2**64}",
    ],
)
async def test_what_is_not_there_or_out_of_bounds_is_a_problem(routes: Routes, path: str) -> None:
    assert is_problem(await routes.ask("GET", path), 404, 422)


async def test_the_largest_customer_gets_a_courier(routes: Routes) -> None:
    assert (await routes.ask("PUT", PATH, {"customer_id": 2**63 - 1})).status == 200


@pytest.mark.parametrize(("method", "path"), [("PUT", PATH), ("DELETE", PATH), ("GET", "/internal/audit/couriers")])
async def test_strangers_are_refused(routes: Routes, method: str, path: str) -> None:
    assert is_problem(await routes.ask(method, path, {"customer_id": 5}, token="guessed"), 403)
