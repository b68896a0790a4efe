"""What becomes of an order when the network loses what its services tell each other."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from chaos.faults import Partition
from chaos.inject.messages import PATH, TOKEN_HEADER, LeaseList
from tests.feastfast.system import CHAOS_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feastfast.customer import Customer
    from tests.feastfast.system import FeastFast, Start

LONG_S = 3_600.0
"""Longer than any lease, claim or deadline."""
PROMISED_S = 0.3
"""For what must not happen: longer than an order takes."""


class Bank:
    """The acquirer behind every replica of payments; the first time that it is asked it waits until it is told to go on."""

    def __init__(self, system: FeastFast) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.asked_by = ""
        self.done = False
        """Whether that first time was worked on to its end."""
        for name in system.names("payments"):
            system.replicas[name].app.state.service.acquirer._sleep = partial(self._work, name)

    async def _work(self, name: str, _seconds: float) -> None:
        if not self.asked_by:
            self.asked_by = name
            self.asked.set()
            await self.go_on.wait()
            self.done = True


async def held_back(system: FeastFast, name: str) -> int:
    """How many requests, calls and answers the partition at a process has kept back."""
    answer = await system.ask("GET", PATH, service=name, headers={TOKEN_HEADER: CHAOS_TOKEN})
    return sum(lease.injected for lease in LeaseList.model_validate_json(answer.body).leases)


def transactions(customer: Customer) -> list[str]:
    return sorted(kind for (kind,) in customer.system.rows("payments", "SELECT kind FROM transactions"))


async def is_not_answered(order: asyncio.Task[object]) -> bool:
    done, _ = await asyncio.wait({order}, timeout=PROMISED_S)
    return not done


async def test_money_is_held_once_although_the_first_answer_to_it_was_lost(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, hanging=("orders->payments",)) as system:
        customer, bank = system.customer(), Bank(system)
        order = asyncio.ensure_future(customer.order())
        await bank.asked.wait()
        await system.inject(bank.asked_by, Partition())
        bank.go_on.set()
        assert (await order).json["status"] == "confirmed"
        assert await held_back(system, bank.asked_by) > 0
        await system.heal(bank.asked_by)
        await system.eventually(system.settled)
        assert (customer.payments(), transactions(customer)) == (["captured"], ["authorise", "capture"])


async def test_work_of_a_replica_that_cannot_learn_that_its_caller_left_comes_late_and_changes_nothing(
    tmp_path: Path, start: Start
) -> None:
    async with start(tmp_path, hanging=("orders->payments",)) as system:
        customer, bank = system.customer(), Bank(system)
        order = asyncio.ensure_future(customer.order())
        await bank.asked.wait()
        await system.inject(bank.asked_by, Partition())
        assert (await order).json["status"] == "confirmed"  # The other replica was asked when this one did not answer.
        bank.go_on.set()
        await system.eventually(lambda: bank.done)
        await system.heal(bank.asked_by)
        await system.eventually(system.settled)
        assert (customer.payments(), transactions(customer)) == (["captured"], ["authorise", "capture"])


async def test_what_payments_did_while_it_was_cut_off_is_told_when_the_network_is_back(unprotected: FeastFast) -> None:
    customer, bank = unprotected.customer(), Bank(unprotected)
    order = asyncio.ensure_future(customer.order())
    await bank.asked.wait()
    await unprotected.inject("payments", Partition())
    bank.go_on.set()
    await unprotected.eventually(lambda: customer.payments() == ["authorised"])
    assert await is_not_answered(order)
    await unprotected.heal("payments")
    assert (await order).json["status"] == "confirmed"
    assert transactions(customer) == ["authorise", "capture"]


async def test_a_replica_of_orders_that_is_cut_off_changes_nothing_of_what_another_one_has_undone(
    unprotected: FeastFast,
) -> None:
    customer, bank = unprotected.customer(), Bank(unprotected)
    order = asyncio.ensure_future(customer.order())
    await bank.asked.wait()
    [(owner,)] = unprotected.rows("orders", "SELECT owner FROM sagas")
    await unprotected.inject(owner, Partition())
    bank.go_on.set()  # It goes on thinking that the order is its own, and waits for what payments did.
    await unprotected.change("orders", "UPDATE sagas SET due_at = due_at - ?, deadline_at = deadline_at - ?", LONG_S, LONG_S)
    await unprotected.eventually(lambda: [status for _, status in customer.orders()] == ["cancelled"])
    assert await is_not_answered(order)
    await unprotected.heal(owner)
    assert (await order).status == 502
    await unprotected.eventually(unprotected.settled)
    assert [status for _, status in customer.orders()] == ["cancelled"]
    assert (customer.payments(), customer.reservations()) == (["voided"], ["released"])


async def test_a_full_service_that_is_cut_off_turns_nobody_away(tmp_path: Path, start: Start) -> None:
    room_for_one = {
        r"limit: \{initial_limit: 20, min_limit: 4, max_limit: 40\}": "limit: {initial_limit: 1, min_limit: 1, max_limit: 1}"
    }
    async with start(tmp_path, map_changes=room_for_one) as system:
        await system.inject("payments/1", Partition())
        asked = [
            asyncio.ensure_future(system.internal("payments/1", "GET", f"/internal/payments/{number}")) for number in range(5)
        ]
        await asyncio.wait(asked, timeout=PROMISED_S)
        assert [each.done() for each in asked] == [False] * 5
        await system.heal("payments/1")
        await asyncio.gather(*asked)
