"""What is asked twice is done once, by customers and between services."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.feastfast.system import FeastFast

pytestmark = pytest.mark.asyncio(loop_scope="module")

AMOUNT = {"customer_id": 5, "amount_cents": 1_950}


@pytest.fixture
def order_id() -> str:
    return str(uuid.uuid4())


async def test_the_same_key_twice_is_one_order_and_one_charge(shared: FeastFast) -> None:
    customer = shared.customer()
    first, second = await customer.order(Idempotency_Key="tonight"), await customer.order(Idempotency_Key="tonight")
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert (len(customer.orders()), customer.payments(), customer.couriers()) == (1, ["captured"], ["assigned"])


async def test_the_same_key_many_times_at_once_is_one_order_and_one_charge(shared: FeastFast) -> None:
    customer = shared.customer()
    answers = await asyncio.gather(*(customer.order(Idempotency_Key="tonight") for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert {answer.json["status"] for answer in answers} == {"confirmed"}
    assert (len(customer.orders()), customer.payments(), customer.couriers()) == (1, ["captured"], ["assigned"])


async def test_two_keys_are_two_orders_and_so_are_no_keys(shared: FeastFast) -> None:
    customer = shared.customer()
    for headers in ({"Idempotency_Key": "one"}, {"Idempotency_Key": "two"}, {}, {}):
        assert (await customer.order(**headers)).status == 201
    assert len(customer.orders()) == 4


async def test_a_key_belongs_to_its_customer(shared: FeastFast) -> None:
    one, other = shared.customer(), shared.customer()
    first, second = await one.order(Idempotency_Key="tonight"), await other.order(Idempotency_Key="tonight")
    assert first.json["id"] != second.json["id"]
    assert (one.payments(), other.payments()) == (["captured"], ["captured"])


async def test_a_key_is_good_for_one_basket(shared: FeastFast) -> None:
    customer = shared.customer()
    await customer.order(Idempotency_Key="tonight")
    other = {"restaurant_id": 7, "items": [{"dish_id": 702, "quantity": 1}]}
    answer = await customer.ask("POST", "/v1/orders", other, Idempotency_Key="tonight")
    assert answer.status == 409
    assert answer.json["detail"] == "the Idempotency-Key was used for another basket; take a new one"
    assert len(customer.orders()) == 1


@pytest.mark.parametrize("key", ["k" * 100, "~ !", "'; DROP TABLE orders; --"])
async def test_any_printable_text_may_be_a_key(shared: FeastFast, key: str) -> None:
    customer = shared.customer()
    answers = [await customer.order(Idempotency_Key=key) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201], answers
    assert len(customer.orders()) == 1


async def test_a_key_of_more_than_a_hundred_characters_is_refused(shared: FeastFast) -> None:
    customer = shared.customer()
    answer = await customer.order(Idempotency_Key="k" * 101)
    assert (answer.status, answer.json["detail"]) == (422, "header.idempotency-key: String should have at most 100 characters")
    assert customer.orders() == []


async def test_a_repeated_authorisation_is_made_once_and_never_for_another_amount(shared: FeastFast, order_id: str) -> None:
    path = f"/internal/payments/{order_id}/authorisation"
    answers = await asyncio.gather(*(shared.internal(each, "PUT", path, AMOUNT) for each in ("payments/1", "payments/2") * 3))
    assert [(answer.status, answer.json["state"]) for answer in answers] == [(200, "authorised")] * 6
    assert (await shared.internal("payments", "PUT", path, AMOUNT | {"amount_cents": 2_000})).status == 409
    assert shared.rows("payments", "SELECT amount_cents FROM payments WHERE order_id = ?", order_id) == [(1_950,)]


async def test_money_that_was_given_back_is_not_taken_again(shared: FeastFast, order_id: str) -> None:
    payment = f"/internal/payments/{order_id}"
    await shared.internal("payments", "PUT", f"{payment}/authorisation", AMOUNT)
    for _ in range(2):
        assert (await shared.internal("payments", "PUT", f"{payment}/capture")).json["state"] == "captured"
    for _ in range(3):
        refund = (await shared.internal("payments", "PUT", f"{payment}/refund")).json
        assert refund == {"order_id": order_id, "amount_cents": 1_950, "state": "refunded"}
    assert (await shared.internal("payments", "PUT", f"{payment}/capture")).status == 409


async def test_a_void_that_comes_first_blocks_the_authorisation(shared: FeastFast, order_id: str) -> None:
    payment = f"/internal/payments/{order_id}"
    assert (await shared.internal("payments", "PUT", f"{payment}/void")).status == 200
    assert (await shared.internal("payments", "PUT", f"{payment}/authorisation", AMOUNT)).status == 409


async def test_portions_that_were_released_first_are_not_kept(shared: FeastFast, order_id: str) -> None:
    path = f"/internal/reservations/{order_id}"
    assert (await shared.internal("restaurants", "DELETE", path)).status == 204
    basket = {"restaurant_id": 7, "items": [{"dish_id": 701, "quantity": 1}]}
    assert (await shared.internal("restaurants", "PUT", path, basket)).status == 409


async def test_a_repeated_assignment_keeps_its_courier(shared: FeastFast, order_id: str) -> None:
    path = f"/internal/assignments/{order_id}"
    answers = await asyncio.gather(*(shared.internal("deliveries", "PUT", path, {"customer_id": 5}) for _ in range(6)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["courier_id"] for answer in answers}) == 1
    assert (await shared.internal("deliveries", "GET", path)).json == answers[0].json


async def test_a_withdrawal_may_be_repeated_and_may_come_first(shared: FeastFast, order_id: str) -> None:
    path = f"/internal/assignments/{order_id}"
    for _ in range(2):
        assert (await shared.internal("deliveries", "DELETE", path)).status == 204
    late = await shared.internal("deliveries", "PUT", path, {"customer_id": 5})
    assert (late.status, late.json["detail"]) == (409, f"order {order_id} has been withdrawn")
    assert (await shared.internal("deliveries", "GET", path)).json["state"] == "withdrawn"


async def test_a_withdrawn_courier_does_not_come_back(shared: FeastFast, order_id: str) -> None:
    path = f"/internal/assignments/{order_id}"
    await shared.internal("deliveries", "PUT", path, {"customer_id": 5})
    await shared.internal("deliveries", "DELETE", path)
    assert (await shared.internal("deliveries", "PUT", path, {"customer_id": 5})).status == 409
