"""Consumers ask and understand what their contracts say; test_committed compares the files."""

import inspect
from types import ModuleType

import pytest

from services.gateway import clients as of_the_gateway
from services.orders import clients as of_the_orders
from services.topology import load_topology
from tests.contracts import of_gateway, of_orders
from tests.contracts.committed import contracts
from tests.contracts.consumer import Exercise
from tests.contracts.interaction import Contract


@pytest.mark.parametrize(
    ("clients", "exercises"),
    [(of_the_gateway, of_gateway.EXERCISES), (of_the_orders, of_orders.EXERCISES)],
    ids=["gateway", "orders"],
)
def test_everything_that_a_client_can_ask_is_in_a_contract(clients: ModuleType, exercises: list[Exercise]) -> None:
    methods = {
        method
        for name, client in inspect.getmembers(clients, inspect.isclass)
        if client.__module__ == clients.__name__ and not name.startswith("_")
        for _, method in inspect.getmembers(client, inspect.iscoroutinefunction)
    }
    assert {exercise.asks for exercise in exercises} == methods


async def test_every_edge_that_carries_calls_has_a_contract() -> None:
    """Events alone go over the edges that no client knows: deliveries to orders, orders to notifications."""
    between_services = [contract for contract in await contracts() if contract.consumer in load_topology().services]
    written = {f"{contract.consumer}->{contract.provider}" for contract in between_services}
    events = load_topology().events.values()
    told = {f"{route.producer}->{consumer}" for route in events for consumer in route.consumers}
    assert written | told == set(load_topology().edges)


async def test_an_interaction_is_told_from_every_other_of_its_contract() -> None:
    for contract in await contracts():
        names = [(each.what, each.given, each.answer.status) for each in contract.interactions]
        assert len(names) == len(set(names)), contract.file


async def test_a_committed_contract_is_read_as_it_was_written() -> None:
    written = sorted(await contracts(), key=lambda contract: contract.file)
    assert Contract.committed() == written
