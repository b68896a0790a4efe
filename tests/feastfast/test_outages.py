"""What customers live through while a service is gone, slow or back again, with the declared policies and with none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from chaos.faults import Error, Hang
from services.policy import Profile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feastfast.customer import Customer
    from tests.feastfast.system import FeastFast, Start


def accepted_without_courier(customer: Customer) -> bool:
    return ([status for _, status in customer.orders()], customer.payments()) == (["awaiting_courier"], ["captured"])


def undone(customer: Customer) -> bool:
    """Every order of the customer was cancelled, nobody kept money, and nobody is on the way."""
    statuses = {status for _, status in customer.orders()}
    held = {"captured", "authorised", "assigned", "reserved"}
    return statuses == {"cancelled"} and not held & {*customer.payments(), *customer.couriers(), *customer.reservations()}


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
async def test_an_order_is_accepted_without_deliveries_and_gets_its_one_courier_afterwards(
    system: FeastFast, *, noticed: bool
) -> None:
    customer = system.customer()
    await system.kill("deliveries", noticed=noticed)
    placed = await customer.order()
    assert (placed.status, placed.json["status"], placed.headers["Degraded"]) == (201, "awaiting_courier", "defer")
    assert accepted_without_courier(customer)
    order_id = placed.json["id"]
    tracked = await customer.ask("GET", f"/v1/orders/{order_id}/tracking")
    assert (tracked.status, tracked.headers["Degraded"]) == (200, "static")
    assert tracked.json == {"order_id": order_id, "status": "unknown", "courier": None}
    assert (await customer.ask("GET", f"/v1/orders/{order_id}")).json["status"] == "awaiting_courier"

    await system.revive("deliveries")
    await system.eventually(lambda: customer.orders() == [(order_id, "confirmed")])
    await system.eventually(system.settled)
    assert (customer.payments(), customer.couriers()) == (["captured"], ["assigned"])
    audit = (await system.internal("orders", "GET", "/internal/audit")).json["rows"]
    assert [row["deferred"] for row in audit] == [True]


async def test_a_customer_is_told_that_the_courier_was_found(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("deliveries")
    await customer.order()
    await system.revive("deliveries")

    async def told() -> bool:
        inbox = (await customer.ask("GET", "/v1/notifications")).json["notifications"]
        return [each["kind"] for each in inbox] == ["confirmed", "awaiting_courier"]

    await system.eventually(told)


async def test_browsing_and_signing_in_do_not_notice_that_deliveries_is_gone(system: FeastFast) -> None:
    await system.kill("deliveries")
    credentials = {"email": "customer-0001@feastfast.example", "password": "correct-horse-battery"}
    assert (await system.ask("POST", "/v1/sessions", credentials)).status == 201
    assert (await system.ask("GET", "/v1/restaurants")).status == 200
    assert (await system.ask("GET", "/v1/restaurants/7/menu")).status == 200


async def test_many_orders_of_an_outage_all_get_one_courier_each(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("deliveries")
    answers = await asyncio.gather(*(customer.order() for _ in range(12)))
    assert {(answer.status, answer.json["status"]) for answer in answers} == {(201, "awaiting_courier")}
    await system.revive("deliveries")
    await system.eventually(lambda: {status for _, status in customer.orders()} == {"confirmed"})
    await system.eventually(system.settled)
    assert (customer.payments(), customer.couriers()) == (["captured"] * 12, ["assigned"] * 12)


async def test_a_hanging_deliveries_delays_an_order_by_less_than_its_deadline(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, hanging=("orders->deliveries",)) as system:
        customer = system.customer()
        await system.inject("deliveries", Hang())
        placed = await customer.order(X_Deadline_Ms="20000")  # Past which the answer would be another.
        assert (placed.status, placed.json["status"], placed.headers["Degraded"]) == (201, "awaiting_courier", "defer")
        await system.heal("deliveries")
        await system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
        await system.eventually(system.settled)
        assert customer.couriers() == ["assigned"]


async def test_an_order_that_is_ready_after_its_deadline_is_undone_because_its_customer_was_told_that_it_failed(
    system: FeastFast,
) -> None:
    customer = system.customer()
    await system.inject("deliveries", Hang())
    placed = await customer.order(X_Deadline_Ms="4000")  # The first attempt at deliveries outlasts it.
    assert placed.status == 504
    await system.heal("deliveries")
    await system.eventually(lambda: undone(customer))
    await system.eventually(system.settled)
    assert customer.couriers() == ["withdrawn"]
    assert customer.payments() in (["voided"], ["refunded"])  # Whether there was time to capture is a matter of milliseconds.


async def test_without_policies_an_order_fails_without_deliveries_and_is_undone_for_good(unprotected: FeastFast) -> None:
    customer = unprotected.customer()
    await unprotected.kill("deliveries")
    placed = await customer.order()
    assert (placed.status, placed.headers["Content-Type"]) == (502, "application/problem+json")
    await unprotected.eventually(lambda: (customer.payments(), customer.reservations()) == (["voided"], ["released"]))
    [(order_id, status)] = customer.orders()
    assert (status, customer.couriers()) == ("cancelled", [])
    answer = await customer.ask("GET", f"/v1/orders/{order_id}/tracking")
    assert answer.status == 503, "without a fallback tracking fails as well"

    await unprotected.revive("deliveries")
    await unprotected.eventually(unprotected.settled)
    late = await unprotected.internal("deliveries", "PUT", f"/internal/assignments/{order_id}", {"customer_id": customer.id})
    assert late.status == 409
    assert (customer.couriers(), await customer.status(order_id)) == (["withdrawn"], "cancelled")


async def test_without_policies_an_order_waits_for_a_hanging_deliveries_for_as_long_as_it_hangs(unprotected: FeastFast) -> None:
    customer = unprotected.customer()
    await unprotected.inject("deliveries", Hang())
    order = asyncio.ensure_future(customer.order())
    await unprotected.eventually(lambda: customer.payments() == ["authorised"])
    done, _ = await asyncio.wait({order}, timeout=1)
    assert not done
    await unprotected.heal("deliveries")
    assert (await order).json["status"] == "confirmed"
    assert customer.couriers() == ["assigned"]


async def test_compensation_does_not_wait_for_the_connections_that_unprotected_calls_hold(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, Profile.NONE, map_changes={r"(module: \S+)": r"\1\n    max_connections: 1"}) as system:
        customer = system.customer()
        await system.inject("payments", Hang())
        order = asyncio.ensure_future(customer.order())
        await system.eventually(lambda: customer.reservations() == ["reserved"])
        ((order_id, _),) = customer.orders()
        # Past the gateway, whose only connection waits with the customer.
        path = f"/internal/orders/{order_id}/cancellation?customer_id={customer.id}"
        assert (await system.internal("orders", "POST", path)).status == 200
        await system.eventually(lambda: customer.reservations() == ["released"])
        await system.heal("payments")
        assert (await order).status == 409


@pytest.mark.parametrize("service", ["payments", "restaurants"])
async def test_an_order_fails_without_a_service_that_it_cannot_do_without(system: FeastFast, service: str) -> None:
    customer = system.customer()
    await system.kill(service)
    placed = await customer.order(Idempotency_Key="tonight")
    assert placed.status in (502, 503, 504)
    assert placed.json["trace_id"]
    assert {status for _, status in customer.orders()} <= {"cancelled"}
    await system.revive(service)
    await system.eventually(system.settled)
    assert not customer.orders() or undone(customer)
    assert (await customer.order()).status == 201


async def test_an_order_whose_charge_is_slow_is_undone_though_the_charge_is_made_late(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, hanging=("orders->payments",)) as system:
        customer = system.customer()
        await system.inject("payments", Hang())
        placed = await customer.order()
        assert placed.status in (502, 503, 504)
        await system.heal("payments")  # What hung goes on now, and meets the refund or is met by it.
        await system.eventually(system.settled)
        await system.eventually(lambda: undone(customer))
        assert customer.payments() == ["voided"] * len(customer.orders())


async def test_a_repeated_key_of_a_failed_order_fails_as_the_server_that_could_not_not_as_the_customers_mistake(
    system: FeastFast,
) -> None:
    customer = system.customer()
    await system.kill("payments")
    await customer.order(Idempotency_Key="tonight")
    await system.revive("payments")
    again = await customer.order(Idempotency_Key="tonight")
    assert again.status == 502
    assert "was cancelled" in again.json["detail"]
    assert "with a new Idempotency-Key" in again.json["detail"]
    await system.eventually(system.settled)
    assert len(customer.orders()) == 1


async def test_an_outage_of_payments_is_told_once_by_name_and_does_not_close_the_way_to_orders(system: FeastFast) -> None:
    customer = system.customer()
    kept = (await customer.order()).json["id"]
    await system.kill("payments")
    for _ in range(12):  # More failures in a row than the breaker from the gateway to orders bears.
        failed = await customer.order()
        assert (failed.status, "orders->payments: " in failed.json["detail"]) == (502, True)
    assert await customer.status(kept) == "confirmed"
    assert len(customer.orders()) == 13, "nobody repeated what had been undone"


async def test_tracking_a_cancelled_order_says_so_and_an_unknown_one_is_not_found(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("payments")
    await customer.order()
    await system.revive("payments")
    await system.eventually(system.settled)
    [(order_id, _)] = customer.orders()
    assert (await customer.ask("GET", f"/v1/orders/{order_id}/tracking")).json["status"] == "withdrawn"
    for whose, which in ((system.customer(), order_id), (customer, "00000000-0000-4000-8000-000000000000")):
        assert (await whose.ask("GET", f"/v1/orders/{which}/tracking")).status == 404


async def test_tracking_says_that_a_courier_is_being_found_to_whom_it_concerns(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, hanging=("orders->deliveries",)) as system:
        customer = system.customer()
        await system.inject("orders", Hang(), "orders->deliveries")
        order_id = (await customer.order()).json["id"]
        tracked = await customer.ask("GET", f"/v1/orders/{order_id}/tracking")
        waits = {"order_id": order_id, "status": "awaiting_courier", "courier": None}
        assert (tracked.json, "Degraded" in tracked.headers) == (waits, False)
        assert (await system.customer().ask("GET", f"/v1/orders/{order_id}/tracking")).status == 404


async def test_an_unforeseen_error_is_a_problem_that_leads_to_its_log_and_tells_nothing(system: FeastFast) -> None:
    await system.change("restaurants", "DROP TABLE dishes")
    inside = await system.internal("restaurants", "GET", "/internal/restaurants/7/menu")
    assert (inside.status, inside.json["detail"]) == (500, "an unforeseen error; the trace id leads to its log")
    await system.eventually(lambda: "no such table" in system.lines.getvalue())  # The server logs once it has answered.
    outside = await system.ask("GET", "/v1/restaurants/7/menu")
    assert (outside.status, outside.headers["Content-Type"]) == (502, "application/problem+json")
    assert b"dishes" not in inside.body + outside.body


async def test_one_failing_replica_of_two_is_not_noticed(system: FeastFast) -> None:
    await system.inject("payments/1", Error(status=503))
    customer = system.customer()
    answers = [await customer.order() for _ in range(6)]
    assert {(answer.status, answer.json["status"]) for answer in answers} == {(201, "confirmed")}
    assert customer.payments() == ["captured"] * 6


async def test_one_dead_replica_of_two_is_not_noticed(system: FeastFast) -> None:
    await system.kill("orders/1", noticed=False)
    customer = system.customer()
    answers = [await customer.order() for _ in range(6)]
    assert {answer.status for answer in answers} == {201}
    assert len(customer.orders()) == 6


async def test_an_inbox_that_cannot_be_read_is_empty_and_said_to_be_degraded(system: FeastFast) -> None:
    await system.kill("notifications")
    inbox = await system.customer().ask("GET", "/v1/notifications")
    assert (inbox.status, inbox.json, inbox.headers["Degraded"]) == (200, {"notifications": []}, "static")


async def test_what_customers_are_to_be_told_waits_for_notifications(system: FeastFast) -> None:
    customer = system.customer()
    await system.kill("notifications")
    assert (await customer.order()).json["status"] == "confirmed"
    await system.revive("notifications")
    await system.eventually(system.settled)
    # The gateway's breaker may be open for a while yet.
    told = system.rows("notifications", "SELECT kind FROM notifications WHERE customer_id = ?", customer.id)
    assert told == [("confirmed",)]
