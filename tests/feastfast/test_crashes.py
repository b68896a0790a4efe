"""What is left when a process dies in the middle, and who puts it right."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from chaos.faults import Hang
from services.kit.events.outbox import CLAIM_S
from services.orders import sweeper

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.feastfast.conftest import Customer, FeastFast

LONG_AGO_S = 20.0
"""Longer than a pending order is left alone."""
PENDING = """
    INSERT INTO orders (id, customer_id, idempotency_key, restaurant_id, lines, total_cents, status, deferred, created_at)
    VALUES (?, ?, 'k', 7, '[[701, 1]]', 1950, 'pending', 0, ?)
"""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Abandoned orders are looked for more often than every other second."""
    monkeypatch.setattr(sweeper, "INTERVAL_S", 0.1)


async def age(system: FeastFast) -> None:
    """Lets LONG_AGO_S pass for all orders."""
    await system.change("orders", "UPDATE orders SET created_at = created_at - ?", LONG_AGO_S)


async def left_pending(system: FeastFast, customer: Customer, age_s: float) -> str:
    """An order that a process wrote `age_s` ago and never finished."""
    order_id = str(uuid.uuid4())
    await system.change("orders", PENDING, order_id, customer.id, time.time() - age_s)
    return order_id


async def claims_run_out(system: FeastFast) -> None:
    """Lets CLAIM_S pass for all messages."""
    await system.change("orders", "UPDATE outbox SET claimed_until = claimed_until - ?", CLAIM_S)


async def test_an_order_that_a_dead_process_left_pending_is_cancelled_and_refunded(system: FeastFast) -> None:
    customer = system.customer()
    order_id = await left_pending(system, customer, LONG_AGO_S)
    charge = {"customer_id": customer.id, "amount_cents": 1_950}
    await system.internal("payments", "PUT", f"/internal/charges/{order_id}", charge)
    await system.internal("deliveries", "PUT", f"/internal/assignments/{order_id}", {"customer_id": customer.id})
    await system.eventually(lambda: customer.orders() == [(order_id, "cancelled")])
    await system.eventually(system.settled)
    assert (customer.charges(), customer.couriers()) == (["refunded"], ["withdrawn"])
    told = system.rows("notifications", "SELECT kind FROM notifications WHERE customer_id = ?", customer.id)
    assert told == [("cancelled",)]


async def test_an_order_that_is_being_placed_is_left_alone_by_the_sweeper(system: FeastFast) -> None:
    old, fresh = system.customer(), system.customer()
    await left_pending(system, fresh, 5.0)
    await left_pending(system, old, LONG_AGO_S)
    await system.eventually(lambda: [status for _, status in old.orders()] == ["cancelled"])
    assert [status for _, status in fresh.orders()] == ["pending"]


async def dies_while_it_waits(system: FeastFast, service: str, reached: Callable[[Customer], bool]) -> Customer:
    """An order, whose processes die once they have `reached` a step and wait for `service`. Then they are back, later."""
    customer = system.customer()
    await system.inject("orders", Hang(), f"orders->{service}")
    order = asyncio.ensure_future(customer.order(Idempotency_Key="tonight"))
    await system.eventually(lambda: reached(customer))
    await system.kill("orders")
    assert (await order).status in (502, 503, 504)
    await age(system)
    await system.revive("orders")
    return customer


async def test_dying_before_the_charge_leaves_nobody_charged(unprotected: FeastFast) -> None:
    customer = await dies_while_it_waits(unprotected, "payments", lambda customer: len(customer.orders()) == 1)
    assert customer.charges() == []
    await unprotected.eventually(lambda: customer.charges() == ["refunded"])
    await unprotected.eventually(unprotected.settled)
    assert ([status for _, status in customer.orders()], customer.couriers()) == (["cancelled"], ["withdrawn"])


async def test_dying_between_charge_and_courier_gives_the_money_back(unprotected: FeastFast) -> None:
    customer = await dies_while_it_waits(unprotected, "deliveries", lambda customer: customer.charges() == ["charged"])
    await unprotected.eventually(lambda: customer.charges() == ["refunded"])
    await unprotected.eventually(unprotected.settled)
    assert ([status for _, status in customer.orders()], customer.couriers()) == (["cancelled"], ["withdrawn"])


@pytest.mark.parametrize("service", ["payments", "deliveries"])
async def test_a_process_that_was_stopped_and_wakes_after_its_order_was_cancelled_changes_nothing(
    unprotected: FeastFast, service: str
) -> None:
    customer = unprotected.customer()
    await unprotected.inject("orders", Hang(), f"orders->{service}")
    order = asyncio.ensure_future(customer.order())
    await unprotected.eventually(lambda: len(customer.orders()) == 1)
    await age(unprotected)
    await unprotected.eventually(lambda: [status for _, status in customer.orders()] == ["cancelled"])
    await unprotected.heal("orders")  # What was on its way arrives now, beside what undoes it.
    answer = await order
    assert (answer.status, "was cancelled" in answer.json["detail"]) == (502, True)
    await unprotected.eventually(unprotected.settled)
    assert ([status for _, status in customer.orders()], customer.charges()) == (["cancelled"], ["refunded"])
    assert customer.couriers() == ["withdrawn"]


async def test_a_repeated_key_after_a_crash_never_charges_again(unprotected: FeastFast) -> None:
    customer = await dies_while_it_waits(unprotected, "deliveries", lambda customer: customer.charges() == ["charged"])
    await unprotected.eventually(lambda: customer.charges() == ["refunded"])
    again = await customer.order(Idempotency_Key="tonight")
    assert again.status == 502
    assert (len(customer.orders()), customer.charges()) == (1, ["refunded"])
    assert (await customer.order(Idempotency_Key="tomorrow")).json["status"] == "confirmed"


async def test_dying_before_the_relay_delivers_loses_no_message(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("deliveries")
    assert (await customer.order()).json["status"] == "awaiting_courier"
    await system.kill("orders")
    await claims_run_out(system)
    await system.revive("deliveries")
    await system.revive("orders")
    await system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
    await system.eventually(system.settled)
    assert customer.couriers() == ["assigned"]


async def test_dying_while_the_relay_delivers_repeats_the_message_and_keeps_the_courier(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("deliveries")
    placed = (await customer.order()).json
    await system.revive("deliveries")
    # The message was delivered, and its relay died before it could take it out of the outbox.
    await system.kill("orders")
    await claims_run_out(system)
    assign = f"/internal/assignments/{placed['id']}"
    first = await system.internal("deliveries", "PUT", assign, {"customer_id": customer.id})
    await system.revive("orders")
    await system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
    assert (await system.internal("deliveries", "GET", assign)).json == first.json
    assert customer.couriers() == ["assigned"]


async def test_one_replica_finishes_what_the_other_began(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("deliveries")
    await system.kill("orders/2")
    assert (await customer.order()).json["status"] == "awaiting_courier"
    await system.revive("orders/2")
    await system.kill("orders/1")
    await claims_run_out(system)
    await system.revive("deliveries")
    await system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
    assert customer.couriers() == ["assigned"]


@pytest.mark.parametrize("service", ["payments", "deliveries", "notifications", "restaurants", "users"])
async def test_what_a_service_has_kept_is_there_when_it_comes_back(system: FeastFast, service: str) -> None:
    customer = system.customer()
    placed = (await customer.order()).json
    await system.eventually(system.settled)
    before = list(system.rows(service, "SELECT count(*) FROM sqlite_master")), customer.charges(), customer.couriers()
    await system.kill(service)
    await system.revive(service)
    after = list(system.rows(service, "SELECT count(*) FROM sqlite_master")), customer.charges(), customer.couriers()
    assert after == before
    assert await customer.status(placed["id"]) == "confirmed"
    assert (await customer.order()).status == 201
