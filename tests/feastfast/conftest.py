"""FeastFast for tests: systems of one test, of one module, and whatever a test asks for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop

from services.kit import kit
from services.kit.saga.log import LEASE_S
from services.orders import placing
from services.policy import EdgePolicy, Profile
from tests.feastfast.patience import PATIENT
from tests.feastfast.system import FeastFast, Start, running


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop that services run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="package", autouse=True)
def patient_orders() -> Iterator[None]:
    """Limits that no map states are stretched as the map's are; that of the relay as far as the lease of who undoes an order."""
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("DEADLINE_MS", "SAME_ORDER_WAIT_S"):
            patch.setattr(placing, limit, PATIENT * getattr(placing, limit))
        limits = {"attempt": f"{LEASE_S}s", "connect": f"{LEASE_S}s"}
        patch.setattr(kit, "RELAY_POLICY", EdgePolicy.model_validate({"timeout": limits}))
        yield


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[FeastFast]:
    """A system of one test, with the declared policies."""
    async with running(FeastFast(tmp_path)) as it:
        yield it


@pytest.fixture
async def unprotected(tmp_path: Path) -> AsyncIterator[FeastFast]:
    """A system of one test without any policy."""
    async with running(FeastFast(tmp_path, Profile.NONE)) as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FeastFast]:
    """A system of one module, for tests that leave it as it was."""
    async with running(FeastFast(tmp_path_factory.mktemp("feastfast"))) as it:
        yield it


@pytest.fixture(scope="session")
def start() -> Start:
    """Starts a system as the fields of FeastFast say."""
    return lambda *fields, **named: running(FeastFast(*fields, **named))
