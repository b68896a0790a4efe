"""What is left when processes die in the middle, and who puts it right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from chaos.faults import Hang

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.feastfast.customer import Customer
    from tests.feastfast.system import FeastFast

LONG_S = 3_600.0
"""Longer than any lease, claim or deadline."""


async def time_passes(system: FeastFast) -> None:
    """Lets LONG_S pass for everything that waits for a time."""
    await system.change("orders", "UPDATE sagas SET due_at = due_at - ?, deadline_at = deadline_at - ?", LONG_S, LONG_S)
    await system.change("orders", "UPDATE outbox SET claimed_until = claimed_until - ?", LONG_S)


def whole_or_undone(customer: Customer) -> bool:
    """Every order has everything, or nothing."""
    held = {"confirmed": ("captured", "assigned", "reserved")}
    nothing = {"voided", "refunded", "withdrawn", "released"}
    for order_id, status in customer.orders():
        of_it = {
            state
            for service, table in (("payments", "payments"), ("deliveries", "assignments"), ("restaurants", "reservations"))
            for (state,) in customer.system.rows(service, f"SELECT state FROM {table} WHERE order_id = ?", order_id)
        }
        if not (of_it == set(held["confirmed"]) if status == "confirmed" else status == "cancelled" and of_it <= nothing):
            return False
    return True


async def dies_while_it_waits(system: FeastFast, service: str, reached: Callable[[Customer], bool]) -> Customer:
    """An order, whose processes die once they have `reached` a step and wait for `service`."""
    customer = system.customer()
    await system.inject("orders", Hang(), f"orders->{service}")
    order = asyncio.ensure_future(customer.order(Idempotency_Key="tonight"))
    await system.eventually(lambda: reached(customer))
    await system.kill("orders")
    assert (await order).status in (502, 503, 504)
    return customer


def is_at(position: int) -> Callable[[Customer], bool]:
    """Whether the customer's saga says that it is at a step: what a callee has done alone, its saga may not know yet."""
    query = "SELECT position FROM sagas JOIN orders ON orders.id = sagas.id WHERE customer_id = ?"
    return lambda customer: customer.system.rows("orders", query, customer.id) == [(position,)]


REACHED = [("restaurants", is_at(0)), ("payments", is_at(1)), ("deliveries", is_at(2))]


@pytest.mark.parametrize(("service", "reached"), REACHED)
async def test_who_comes_back_late_undoes_the_order_that_it_left(
    unprotected: FeastFast, service: str, reached: Callable[[Customer], bool]
) -> None:
    customer = await dies_while_it_waits(unprotected, service, reached)
    await time_passes(unprotected)
    await unprotected.revive("orders")
    await unprotected.eventually(lambda: [status for _, status in customer.orders()] == ["cancelled"])
    await unprotected.eventually(unprotected.settled)
    assert whole_or_undone(customer)
    again = await customer.order(Idempotency_Key="tonight")
    assert (again.status, "longer than its deadline" in again.json["detail"]) == (502, True)
    assert (await customer.order(Idempotency_Key="tomorrow")).json["status"] == "confirmed"


@pytest.mark.parametrize(("service", "reached"), REACHED)
async def test_who_comes_back_in_time_finishes_the_order_that_it_left(
    unprotected: FeastFast, service: str, reached: Callable[[Customer], bool]
) -> None:
    customer = await dies_while_it_waits(unprotected, service, reached)
    await unprotected.revive("orders")
    await unprotected.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
    await unprotected.eventually(unprotected.settled)
    assert whole_or_undone(customer)
    again = await customer.order(Idempotency_Key="tonight")
    assert (again.status, again.json["status"]) == (201, "confirmed")


@pytest.mark.parametrize(("service", "reached"), REACHED)
async def test_a_replica_that_wakes_after_its_order_was_undone_changes_nothing(
    unprotected: FeastFast, service: str, reached: Callable[[Customer], bool]
) -> None:
    customer = unprotected.customer()
    await unprotected.inject("orders", Hang(), f"orders->{service}")
    order = asyncio.ensure_future(customer.order())
    await unprotected.eventually(lambda: reached(customer))
    await time_passes(unprotected)
    await unprotected.eventually(lambda: [status for _, status in customer.orders()] == ["cancelled"])
    await unprotected.heal("orders")  # What was on its way arrives now, beside what undoes it.
    assert (await order).status == 502
    await unprotected.eventually(unprotected.settled)
    assert [status for _, status in customer.orders()] == ["cancelled"]
    assert whole_or_undone(customer)


async def test_a_customer_may_cancel_while_the_order_waits(unprotected: FeastFast) -> None:
    customer = unprotected.customer()
    await unprotected.inject("orders", Hang(), "orders->deliveries")
    order = asyncio.ensure_future(customer.order())
    await unprotected.eventually(lambda: customer.payments() == ["authorised"])
    ((order_id, _),) = customer.orders()
    cancelled = await customer.ask("POST", f"/v1/orders/{order_id}/cancellation")
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
    await unprotected.heal("orders")
    assert (await order).status == 409
    await unprotected.eventually(unprotected.settled)
    assert whole_or_undone(customer)


async def test_dying_with_events_in_the_outbox_loses_none(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("deliveries")
    assert (await customer.order()).json["status"] == "awaiting_courier"
    await system.kill("orders")
    await system.revive("deliveries")
    await system.revive("orders")
    await time_passes(system)
    await system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
    await system.eventually(system.settled)
    assert customer.couriers() == ["assigned"]


async def test_one_replica_hands_on_what_the_other_published(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("deliveries")
    await system.kill("orders/2")
    assert (await customer.order()).json["status"] == "awaiting_courier"
    await system.revive("orders/2")
    await system.kill("orders/1")
    await time_passes(system)
    await system.revive("deliveries")
    await system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
    assert customer.couriers() == ["assigned"]


@pytest.mark.parametrize("service", ["payments", "deliveries", "notifications", "restaurants", "users"])
async def test_what_a_service_has_kept_is_there_when_it_comes_back(system: FeastFast, service: str) -> None:
    customer = system.customer()
    placed = (await customer.order()).json
    await system.eventually(system.settled)
    before = customer.payments(), customer.couriers(), customer.reservations()
    await system.kill(service)
    await system.revive(service)
    assert (customer.payments(), customer.couriers(), customer.reservations()) == before
    assert await customer.status(placed["id"]) == "confirmed"
    assert (await customer.order()).status == 201
