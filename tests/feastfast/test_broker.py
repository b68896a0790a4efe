"""What customers live through when a broker carries the events, also while it is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feastfast.customer import Customer
    from tests.feastfast.system import FeastFast, Start
    from tests.nats import NatsServer

RECONNECTED_S = 20.0
pytestmark = pytest.mark.server


def told(system: FeastFast, customer: Customer) -> list[str]:
    found = system.rows("notifications", "SELECT kind FROM notifications WHERE customer_id = ? ORDER BY rowid", customer.id)
    return [kind for (kind,) in found]


def heard(system: FeastFast, service: str) -> int:
    """How many orders a service was told are accepted."""
    ((count,),) = system.rows(service, "SELECT count(*) FROM inbox WHERE type = 'order.accepted' AND state = 'handled'")
    return int(count)


async def test_an_order_gets_its_courier_by_events_over_a_broker_and_its_customer_is_told_in_order(
    start: Start, tmp_path: Path, nats: NatsServer
) -> None:
    async with start(tmp_path, nats_url=nats.url()) as system:
        customer = system.customer()
        await system.kill("deliveries")
        assert (await customer.order()).json["status"] == "awaiting_courier"
        await system.revive("deliveries")
        await system.eventually(lambda: customer.couriers() == ["assigned"], RECONNECTED_S)
        await system.eventually(lambda: told(system, customer) == ["awaiting_courier", "confirmed"], RECONNECTED_S)


async def test_customers_order_while_the_broker_is_gone_and_are_told_once_when_it_is_back(
    start: Start, tmp_path: Path, nats: NatsServer
) -> None:
    nats.kill()
    async with start(tmp_path, nats_url=nats.url()) as system:
        customer = system.customer()
        assert (await system.ask("GET", "/health/ready", service="orders")).status == 200
        assert (await customer.order()).json["status"] == "confirmed"
        assert told(system, customer) == []
        await asyncio.to_thread(nats.start)
        await system.eventually(lambda: told(system, customer) == ["confirmed"], RECONNECTED_S)
        await asyncio.to_thread(nats.kill)
        assert (await customer.order()).json["status"] == "confirmed"
        await asyncio.to_thread(nats.start)
        await system.eventually(lambda: told(system, customer) == ["confirmed", "confirmed"], RECONNECTED_S)
        await system.eventually(system.settled, RECONNECTED_S)
        # An event for two consumers is two messages, and the broker must take neither for a repetition of the other.
        await system.eventually(lambda: heard(system, "restaurants") == heard(system, "notifications") == 2, RECONNECTED_S)
