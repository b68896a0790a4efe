"""Providers answer every request of every contract as its consumer needs it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.contracts.documents import FOLDER, read
from tests.contracts.interaction import Contract, Interaction
from tests.contracts.provider import InProcess, Provider, order_in, replay, running, undocumented
from tests.contracts.states import DOCUMENTED_ALONE, STATES

CONTRACTS = Contract.committed()
ALONE = [
    (contract, each)
    for contract in CONTRACTS
    for each in contract.interactions
    if contract.provider in STATES and each.given not in DOCUMENTED_ALONE
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def providers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Provider]]:
    """Every provider that needs no other service."""
    folder = tmp_path_factory.mktemp("providers")
    async with AsyncExitStack() as stack:
        yield {name: InProcess(await stack.enter_async_context(running(name, folder))) for name in STATES}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("contract", "interaction"),
    [pytest.param(*case, id=f"{case[0].consumer}-{case[0].provider}: {case[1].what}, {case[1].given}") for case in ALONE],
)
async def test_a_provider_keeps_its_contract(
    providers: dict[str, Provider], contract: Contract, interaction: Interaction
) -> None:
    provider = providers[contract.provider]
    await STATES[contract.provider][interaction.given](provider, order_in(interaction))
    assert await replay(provider, interaction) == []


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.file)
def test_a_provider_documents_what_its_consumers_need(contract: Contract) -> None:
    assert undocumented(contract, read(FOLDER / f"{contract.provider}.json")) == []
