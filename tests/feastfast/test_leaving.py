"""Callers who leave, and a service that has more to do than it can: nothing is done for nobody, no order is lost or doubled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from observability import names

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.feastfast.customer import Answer, Customer
    from tests.feastfast.system import FeastFast, Start

SLOW_ACQUIRER = {r"service_time: 40ms, slots: 3": "service_time: 500ms, slots: 3"}
"""Below the timeout of an attempt, and longer than a test needs to leave."""
FULL = {
    r"service_time: 40ms, slots: 3": "service_time: 4s, slots: 3",
    r"limit: \{initial_limit: 20, min_limit: 4, max_limit: 40\}": "limit: {initial_limit: 2, min_limit: 2, max_limit: 2}",
}
"""Room for two calls at each replica of payments, and one of them for what begins."""
STRANGER = "00000000-0000-4000-8000-{:012}"
PATIENCE = "60000"


def total(system: FeastFast, service: str, name: str) -> float:
    """A metric's value, summed over labels and replicas."""
    found = 0.0
    for replica in system.names(service):
        for family in system.replicas[replica].app.state.kit.telemetry.metrics.registry.collect():
            found += sum(sample.value for sample in family.samples if sample.name == name)
    return found


async def order_and_leave(system: FeastFast, customer: Customer, key: str, **headers: str) -> None:
    """Places an order, and goes away as soon as the acquirer works on it."""
    ordering = asyncio.create_task(customer.order(Idempotency_Key=key, **headers))
    await system.eventually(lambda: total(system, "payments", names.EXTERNAL_SLOTS_USED) > 0)
    ordering.cancel()
    await asyncio.gather(ordering, return_exceptions=True)


async def test_who_leaves_ends_the_work_at_every_service_behind_and_recovery_finishes_the_order_once(
    tmp_path: Path, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async with start(tmp_path, map_changes=SLOW_ACQUIRER) as system:
        customer = system.customer()
        await order_and_leave(system, customer, "the key", X_Deadline_Ms=PATIENCE)
        for service in ("gateway", "orders", "payments"):
            await system.eventually(lambda service=service: total(system, service, names.RESILIENCE_ABANDONED) == 1)
        await system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
        await system.eventually(system.settled)
        again = await customer.order(Idempotency_Key="the key")
        assert (again.status, again.json["status"]) == (201, "confirmed")
        assert (customer.payments(), customer.couriers(), len(customer.orders())) == (["captured"], ["assigned"], 1)
        assert total(system, "orders", names.SAGAS_TAKEN_OVER) == 1
        assert total(system, "payments", names.EXTERNAL_SLOTS_USED) == 0
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_who_asks_again_gets_the_order_that_they_left(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, map_changes=SLOW_ACQUIRER) as system:
        customer = system.customer()
        await order_and_leave(system, customer, "the key", X_Deadline_Ms=PATIENCE)
        again = await customer.order(Idempotency_Key="the key")
        assert (again.status, len(customer.orders()), customer.payments()) == (201, 1, ["captured"])


async def test_who_leaves_without_having_stated_a_deadline_has_the_order_placed(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, map_changes=SLOW_ACQUIRER) as system:
        customer = system.customer()
        await order_and_leave(system, customer, "the key")
        await system.eventually(lambda: [status for _, status in customer.orders()] == ["confirmed"])
        assert total(system, "orders", names.SAGAS_TAKEN_OVER) == 0
        assert total(system, "gateway", names.RESILIENCE_ABANDONED) == 0


async def test_a_crowd_of_customers_who_leave_loses_and_doubles_nothing(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path) as system:
        customer = system.customer()

        async def place(number: int) -> Answer:
            return await customer.order(Idempotency_Key=f"key {number}", X_Deadline_Ms=PATIENCE)

        placing = [asyncio.create_task(place(number)) for number in range(24)]
        for number, task in enumerate(placing):
            await asyncio.sleep(0.005)
            if number % 3:
                task.cancel()
        await asyncio.gather(*placing, return_exceptions=True)
        await system.eventually(system.settled)
        statuses = [status for _, status in customer.orders()]
        assert set(statuses) <= {"confirmed", "awaiting_courier", "cancelled"}
        paid = len(statuses) - statuses.count("cancelled")
        assert (customer.payments().count("captured"), customer.reservations().count("reserved")) == (paid, paid)
        assert paid >= 8, "those who stayed"
        captures = "SELECT max(n) FROM (SELECT count(*) AS n FROM transactions WHERE kind = 'capture' GROUP BY order_id)"
        assert system.rows("payments", captures) == [(1,)]


async def test_an_order_that_payments_has_no_room_for_is_undone_and_its_customer_told_when_to_come_again(
    tmp_path: Path, start: Start
) -> None:
    async with start(tmp_path, map_changes=FULL) as system:
        customer = system.customer()
        crowd = [
            asyncio.create_task(
                system.ask(
                    "PUT",
                    f"/internal/payments/{STRANGER.format(number)}/authorisation",
                    {"customer_id": 1, "amount_cents": 100},
                    service=replica,
                    headers={"X-Internal-Token": "internal-token-of-tests", "Priority": "u=0"},
                )
            )
            for number, replica in enumerate(system.names("payments") * 2)
        ]
        await system.eventually(lambda: total(system, "payments", names.RESILIENCE_LIMIT_IN_FLIGHT) == 4)
        refused = await customer.order(Idempotency_Key="the key")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert total(system, "payments", names.RESILIENCE_SHED) >= 1
        again = await customer.order(Idempotency_Key="the key")
        assert (again.status, again.headers["Retry-After"]) == (503, "1")
        assert {answer.status for answer in await asyncio.gather(*crowd)} == {200}
        await system.eventually(system.settled)
        assert ([status for _, status in customer.orders()], customer.payments()) == (["cancelled"], ["voided"])
        assert customer.reservations() == ["released"]
        assert (await customer.ask("GET", "/v1/restaurants")).status == 200
