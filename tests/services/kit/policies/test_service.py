"""A whole service whose policies are changed: who adopts them, who does not, and what is not touched by faults."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from chaos.inject.messages import PATH as FAULTS
from chaos.inject.messages import TOKEN_HEADER
from observability import names
from services.kit.app import create_service
from services.kit.kit import RELAY_POLICY, Kit
from services.kit.policies.messages import PATH
from services.kit.settings import Settings
from services.policy import Limit

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools

TOKEN = {TOKEN_HEADER: "secret"}
TOPOLOGY = """
services:
  shop: {module: services.shop.main, entry: true, limit: {max_limit: 60}}
  bank: {module: services.bank.main}
edges:
  shop->bank: {retry: {max_attempts: 2}}
  bank->shop: {}
"""


@asynccontextmanager
async def _nothing(_kit: Kit) -> AsyncIterator[None]:
    yield


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[FastAPI]:
    """It takes the process's logging for itself, and here gives it back."""
    topology = tmp_path / "map.yaml"
    topology.write_text(TOPOLOGY)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield create_service(Settings(service="shop", topology=topology, chaos_token="secret"), [], _nothing)
    root.handlers[:], root.level = before, level


def lease(change: object, id_: str) -> bytes:
    return json.dumps({"id": id_, "change": change, "lease_ms": 60_000}).encode()


async def test_changes_reach_the_caller_and_the_limiter_and_never_the_relay(shop: FastAPI, tools: "Tools") -> None:
    async with shop.router.lifespan_context(shop):
        kit: Kit = shop.state.kit
        for number, change in enumerate(
            (
                {"kind": "set", "place": "shop->bank", "values": {"retry.max_attempts": "5"}},
                {"kind": "set", "place": "shop", "values": {"limit.max_limit": "30"}},
            )
        ):
            assert (await tools.ask(shop, PATH, TOKEN, "POST", body=lease(change, f"c{number}"))).status == 201
        retry = kit.caller.policy("bank").retry
        assert retry is not None
        assert (retry.max_attempts, kit.limiter.policy) == (5, Limit(max_limit=30))
        assert kit.relay_caller.policy("bank") == RELAY_POLICY
        assert kit.telemetry.metrics.registry.get_sample_value(names.RESILIENCE_POLICY_LEASES) == 2

        assert (await tools.ask(shop, PATH, TOKEN, "POST", body=lease({"kind": "profile", "profile": "none"}, "p"))).status == 201
        assert (kit.caller.policy("bank").retry, kit.limiter.policy) == (None, None)
        assert kit.relay_caller.policy("bank") == RELAY_POLICY

        await tools.ask(shop, PATH, TOKEN, "DELETE")
        assert (kit.caller.policy("bank").retry, kit.limiter.policy) != (None, None)
        assert kit.telemetry.metrics.registry.get_sample_value(names.RESILIENCE_POLICY_LEASES) == 0


async def test_a_policy_can_be_changed_while_faults_make_the_service_useless_and_is_no_traffic(
    shop: FastAPI, tools: "Tools"
) -> None:
    async with shop.router.lifespan_context(shop):
        fault = b'{"fault": {"kind": "error", "status": 503}, "lease_ms": 60000}'
        assert (await tools.ask(shop, FAULTS, TOKEN, "POST", body=fault)).status == 201
        assert (await tools.ask(shop, "/anything")).status == 503
        assert (await tools.ask(shop, PATH, TOKEN)).status == 200
        kit: Kit = shop.state.kit
        served = [
            sample
            for family in kit.telemetry.metrics.registry.collect()
            for sample in family.samples
            if sample.name == f"{names.HTTP_SERVER_DURATION}_count"
        ]
        assert [sample.value for sample in served] == [1]
