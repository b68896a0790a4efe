from collections.abc import AsyncIterator

import pytest

from tests.services.databases import Databases
from tests.services.orders.stage import Stage, open_stage


@pytest.fixture
async def stage(databases: Databases) -> AsyncIterator[Stage]:
    url = await databases.fresh("orders")
    async with open_stage(url) as opened:
        yield opened
    await databases.discard(url)
