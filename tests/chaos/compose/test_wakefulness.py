"""Whose keeper is asked when faults are healed: only whose service does not answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.targets.compose import system as compose_system
from chaos.targets.compose import wakefulness
from chaos.targets.compose.system import ComposeSystem
from chaos.targets.compose.wakefulness import doubtful
from testbed.control import HealRequest, ProcessFaultRequest

if TYPE_CHECKING:
    from chaos.targets.compose.engine import Container
    from tests.chaos.compose.fake_engine import FakeEngine, FakeSpawn
    from tests.chaos.conftest import FakeTestbed


def containers(engine: FakeEngine, testbed: FakeTestbed, *names: str) -> dict[str, Container]:
    """The engine's, at the ports of processes that listen."""
    return {name: replace(engine.found[name], ports={8080: testbed.services[name].port}) for name in names}


def test_who_answers_holds_no_fault(engine: FakeEngine, testbed: FakeTestbed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakefulness, "PATIENCE_S", 30.0)
    assert doubtful(containers(engine, testbed, "orders/1", "orders/2")) == {}


@pytest.mark.parametrize("how", ["silence", "die"])
def test_who_stays_silent_or_is_gone_may_hold_one(
    how: str, engine: FakeEngine, testbed: FakeTestbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakefulness, "PATIENCE_S", 0.01)
    getattr(testbed, how)("orders/2")
    assert list(doubtful(containers(engine, testbed, "orders/2"))) == ["orders/2"]


def test_who_publishes_no_port_may_hold_one(engine: FakeEngine) -> None:
    assert list(doubtful({"orders/2": replace(engine.found["orders/2"], ports={})})) == ["orders/2"]


def test_only_keepers_in_doubt_are_asked_to_heal(engine: FakeEngine, spawn: FakeSpawn) -> None:
    system = ComposeSystem(engine, "firebreak", spawn, lambda found: {name: found[name] for name in found if name == "orders/2"})
    system.disturb(ProcessFaultRequest(kind="pause", service="orders", replica=2, lease_ms=30_000))
    engine.asked.clear()
    assert system.heal(HealRequest()) == 1
    assert [line.split()[1] for line in engine.asked if line.startswith("inside")] == ["orders/2"]


def test_what_was_seen_is_kept_when_another_engine_is_asked(
    engine: FakeEngine, system: ComposeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose_system, "FRESH_S", 60.0)
    assert system.runs
    engine.asked.clear()
    system.through(engine).roll()
    assert engine.asked == []
