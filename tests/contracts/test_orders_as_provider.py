"""Orders keeps its contract with the gateway, among the services that it needs itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from services.kit.internal import INTERNAL_TOKEN_HEADER
from tests.contracts import of_gateway
from tests.contracts.consumer import NOTHING
from tests.contracts.documents import Json
from tests.contracts.interaction import Contract, Interaction
from tests.contracts.of_invariants import ANYTHING
from tests.contracts.provider import order_in, replay
from tests.contracts.states import DOCUMENTED_ALONE
from tests.feastfast.system import INTERNAL_TOKEN, FeastFast, running

if TYPE_CHECKING:
    from tests.contracts.provider import Answered

INTERACTIONS = [
    each
    for contract in Contract.committed()
    if contract.provider == "orders"
    for each in contract.interactions
    if each.given not in DOCUMENTED_ALONE
]
NEEDED = ("restaurants", "orders", "payments", "deliveries", "notifications")
BASKET = {"customer_id": 7, "restaurant_id": 7, "items": [{"dish_id": 702, "quantity": 1}]}


class Orders:
    """The running service, as the gateway asks it."""

    def __init__(self, system: FeastFast) -> None:
        self.system = system

    async def ask(self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None) -> Answered:
        sent = {INTERNAL_TOKEN_HEADER: INTERNAL_TOKEN} | dict(headers or {})
        return await self.system.ask(method, path, body, service="orders", headers=sent)

    async def place(self, key: str) -> str:
        """An order of customer 7's, confirmed while all services answer; its id."""
        answer = await self.system.ask(
            "POST",
            "/internal/orders",
            BASKET,
            service="orders",
            headers={INTERNAL_TOKEN_HEADER: INTERNAL_TOKEN, "Idempotency-Key": key},
        )
        assert answer.status == 201, answer.body
        order_id: str = answer.json["id"]
        return order_id

    async def enter(self, given: str, key: str) -> str | None:
        """Gets into a state; returns the id of the order that it speaks of."""
        if given in (of_gateway.NO_COURIERS, of_gateway.AWAITING, of_gateway.CANCELLED):
            await self.system.kill("deliveries")
        if given == of_gateway.NO_PAYMENTS:
            await self.system.kill("payments")
        if given in (NOTHING, ANYTHING, of_gateway.NO_COURIERS, of_gateway.NO_PAYMENTS):
            return None
        order_id = await self.place(key)
        if given == of_gateway.CANCELLED:
            await self.ask("POST", f"/internal/orders/{order_id}/cancellation?customer_id=7")
        return order_id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orders(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Orders]:
    """Orders and what it needs, all of them up."""
    async with running(FeastFast(tmp_path_factory.mktemp("orders"), services=NEEDED)) as system:
        yield Orders(system)


@pytest_asyncio.fixture(loop_scope="module")
async def everybody_back(orders: Orders) -> AsyncIterator[None]:
    """Brings back whom a state took down."""
    yield
    for service in {name.partition("/")[0] for name in orders.system.down}:
        await orders.system.revive(service)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.usefixtures("everybody_back")
@pytest.mark.parametrize("interaction", [pytest.param(each, id=f"{each.what}, {each.given}") for each in INTERACTIONS])
async def test_orders_keeps_its_contract(orders: Orders, interaction: Interaction) -> None:
    real_id = await orders.enter(interaction.given, order_in(interaction))
    assert await replay(orders, interaction, real_id) == []
