"""One of two replicas fails: its customers are served by the other, and after a while nobody is sent to it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.faults import Error
from observability import names

if TYPE_CHECKING:
    from tests.feastfast.system import FeastFast

BAD, EDGE = "orders/2", "gateway->orders"
ENOUGH = 30
"""Requests, of which half are sent to the bad replica until it has failed five in a row; a customer's rate limit lets 40 pass."""


async def measured(system: FeastFast, sample: str, service: str = "gateway") -> float:
    lines = (await system.ask("GET", "/metrics", service=service)).body.decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(f"{sample} "))


async def failed_there(system: FeastFast) -> float:
    labels = f'fault="error",target="{BAD.partition("/")[0]}"'
    return await measured(system, f"{names.CHAOS_INJECTIONS}{{{labels}}}", service=BAD)


async def test_a_replica_that_fails_is_left_out_and_no_customer_notices(system: FeastFast) -> None:
    customer = system.customer()
    await system.inject(BAD, Error())
    statuses = [(await customer.ask("GET", "/v1/orders")).status for _ in range(ENOUGH)]
    assert statuses == [200] * ENOUGH
    assert await measured(system, f'{names.RESILIENCE_EJECTIONS}{{edge="{EDGE}",replica="{BAD}"}}') == 1
    assert await measured(system, f'{names.RESILIENCE_EJECTED}{{edge="{EDGE}"}}') == 1
    assert await failed_there(system) == 5


async def test_without_policies_every_second_customer_notices(unprotected: FeastFast) -> None:
    customer = unprotected.customer()
    await unprotected.inject(BAD, Error())
    statuses = [(await customer.ask("GET", "/v1/orders")).status for _ in range(ENOUGH)]
    assert statuses.count(200) == statuses.count(502) == ENOUGH / 2
