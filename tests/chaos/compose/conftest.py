"""What the tests of Compose targets share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.targets.compose.system import ComposeSystem
from tests.chaos.compose.fake_engine import FakeEngine, FakeSpawn


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path)


@pytest.fixture
def spawn(engine: FakeEngine) -> Iterator[FakeSpawn]:
    fake = FakeSpawn(engine)
    yield fake
    fake.die()


@pytest.fixture
def system(engine: FakeEngine, spawn: FakeSpawn) -> ComposeSystem:
    return ComposeSystem(engine, "firebreak", spawn)
