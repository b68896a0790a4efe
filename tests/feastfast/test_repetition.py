"""What is asked twice is done once, by customers and between services."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.feastfast.conftest import FeastFast

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHARGE = {"customer_id": 5, "amount_cents": 1_950}


@pytest.fixture
def order_id() -> str:
    return str(uuid.uuid4())


async def test_the_same_key_twice_is_one_order_and_one_charge(shared: FeastFast) -> None:
    customer = shared.customer()
    first, second = await customer.order(Idempotency_Key="tonight"), await customer.order(Idempotency_Key="tonight")
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    assert (len(customer.orders()), customer.charges(), customer.couriers()) == (1, ["charged"], ["assigned"])


async def test_the_same_key_many_times_at_once_is_one_order_and_one_charge(shared: FeastFast) -> None:
    customer = shared.customer()
    answers = await asyncio.gather(*(customer.order(Idempotency_Key="tonight") for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert {answer.json["status"] for answer in answers} == {"confirmed"}
    assert (len(customer.orders()), customer.charges(), customer.couriers()) == (1, ["charged"], ["assigned"])


async def test_two_keys_are_two_orders_and_so_are_no_keys(shared: FeastFast) -> None:
    customer = shared.customer()
    for headers in ({"Idempotency_Key": "one"}, {"Idempotency_Key": "two"}, {}, {}):
        assert (await customer.order(**headers)).status == 201
    assert len(customer.orders()) == 4


async def test_a_key_belongs_to_its_customer(shared: FeastFast) -> None:
    one, other = shared.customer(), shared.customer()
    first, second = await one.order(Idempotency_Key="tonight"), await other.order(Idempotency_Key="tonight")
    assert first.json["id"] != second.json["id"]
    assert (one.charges(), other.charges()) == (["charged"], ["charged"])


async def test_a_key_is_good_for_one_basket(shared: FeastFast) -> None:
    customer = shared.customer()
    await customer.order(Idempotency_Key="tonight")
    other = {"restaurant_id": 7, "items": [{"dish_id": 702, "quantity": 1}]}
    answer = await customer.ask("POST", "/v1/orders", other, Idempotency_Key="tonight")
    assert answer.status == 422
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


async def test_a_repeated_charge_is_made_once_and_never_for_another_amount(shared: FeastFast, order_id: str) -> None:
    path = f"/internal/charges/{order_id}"
    answers = await asyncio.gather(*(shared.internal(each, "PUT", path, CHARGE) for each in ("payments/1", "payments/2") * 3))
    assert [(answer.status, answer.json["state"]) for answer in answers] == [(200, "charged")] * 6
    other = await shared.internal("payments", "PUT", path, CHARGE | {"amount_cents": 2_000})
    assert (other.status, other.json["detail"]) == (409, f"order {order_id} was charged 1950, not 2000 cents")
    assert shared.rows("payments", "SELECT amount_cents FROM charges WHERE order_id = ?", order_id) == [(1_950,)]


async def test_a_repeated_refund_is_made_once(shared: FeastFast, order_id: str) -> None:
    await shared.internal("payments", "PUT", f"/internal/charges/{order_id}", CHARGE)
    for _ in range(3):
        refund = (await shared.internal("payments", "PUT", f"/internal/refunds/{order_id}")).json
        assert refund == {"order_id": order_id, "amount_cents": 1_950, "state": "refunded"}


async def test_a_refund_that_comes_first_blocks_the_charge(shared: FeastFast, order_id: str) -> None:
    assert (await shared.internal("payments", "PUT", f"/internal/refunds/{order_id}")).status == 200
    charge = await shared.internal("payments", "PUT", f"/internal/charges/{order_id}", CHARGE)
    assert (charge.status, charge.json["detail"]) == (409, f"order {order_id} has been refunded")
    assert shared.rows("payments", "SELECT state FROM charges WHERE order_id = ?", order_id) == [("refunded",)]


async def test_a_refunded_order_is_not_charged_again(shared: FeastFast, order_id: str) -> None:
    await shared.internal("payments", "PUT", f"/internal/charges/{order_id}", CHARGE)
    await shared.internal("payments", "PUT", f"/internal/refunds/{order_id}")
    assert (await shared.internal("payments", "PUT", f"/internal/charges/{order_id}", CHARGE)).status == 409


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


async def test_a_notification_is_told_once_a_kind(shared: FeastFast, order_id: str) -> None:
    for kind in ("confirmed", "confirmed", "cancelled"):
        body = {"customer_id": 977, "text": f"{kind}!"}
        await shared.internal("notifications", "PUT", f"/internal/notifications/{order_id}/{kind}", body)
    inbox = (await shared.internal("notifications", "GET", "/internal/notifications?customer_id=977")).json["notifications"]
    assert [each["text"] for each in inbox] == ["cancelled!", "confirmed!"]
