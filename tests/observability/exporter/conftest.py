"""An exporter's socket, its collector, and a handover that does not keep tests waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from observability.exporter import handover
from tests.observability.exporter.ends import FakeCollector

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "PAUSE_S", 0.002)
    monkeypatch.setattr(handover, "RECONNECT_S", 0.002)
    monkeypatch.setattr(handover, "SEND_TIMEOUT_S", 0.02)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exporter.sock"


@pytest.fixture
def collector() -> FakeCollector:
    return FakeCollector()
