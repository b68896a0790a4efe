"""Who serves a name right now, from a file that others replace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from services.kit.discovery import RECHECK_S, RegistryFileResolver, StaticResolver
from services.registry import InstanceState, Registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.kit.conftest import HandClock, Tools


JUST_BEFORE_MS = RECHECK_S * 1_000 - 1
JUST_AFTER_MS = RECHECK_S * 1_000 + 1


class Fleet:
    """A registry file and its resolver."""

    def __init__(self, path: Path, tools: Tools, clock: HandClock) -> None:
        self.path = path
        self._tools = tools
        self._clock = clock
        self._stamp = 0
        self.resolver = RegistryFileResolver(path, clock)

    def write(self, *replicas: int) -> None:
        Registry(instances=tuple(self._tools.replica(number) for number in replicas)).write(self.path)
        self._stamp += 1_000_000_000  # Two writes within one tick of the file system's clock would look alike.
        os.utime(self.path, ns=(self._stamp, self._stamp))

    def names(self, service: str = "bank") -> list[str]:
        """What is resolved once the file is looked at again."""
        self._clock.advance_ms(JUST_AFTER_MS)
        return [instance.name for instance in self.resolver.resolve(service)]


@pytest.fixture
def fleet(tmp_path: Path, tools: Tools, clock: HandClock) -> Fleet:
    return Fleet(tmp_path / "registry.json", tools, clock)


def test_instances_that_are_up_are_found(fleet: Fleet) -> None:
    fleet.write(1, 2)
    assert fleet.names() == ["bank/1", "bank/2"]


def test_a_service_that_nobody_runs_has_no_instances(fleet: Fleet) -> None:
    fleet.write(1)
    assert fleet.names("post") == []


def test_before_there_is_a_file_nobody_serves(fleet: Fleet) -> None:
    assert fleet.names() == []
    fleet.write(1)
    assert fleet.names() == ["bank/1"]


def test_a_change_is_seen(fleet: Fleet) -> None:
    fleet.write(1)
    assert fleet.names() == ["bank/1"]
    fleet.write(2)
    assert fleet.names() == ["bank/2"]


def test_between_two_looks_the_file_is_not_touched(fleet: Fleet, clock: HandClock) -> None:
    fleet.write(1)
    assert fleet.names() == ["bank/1"]
    fleet.write(2)
    clock.advance_ms(JUST_BEFORE_MS)
    assert [instance.name for instance in fleet.resolver.resolve("bank")] == ["bank/1"]
    clock.advance_ms(2)
    assert [instance.name for instance in fleet.resolver.resolve("bank")] == ["bank/2"]


@pytest.mark.parametrize("damage", ["", "{", '{"instances": 3}'])
def test_while_the_file_cannot_be_read_the_last_state_is_used(fleet: Fleet, damage: str) -> None:
    fleet.write(1)
    assert fleet.names() == ["bank/1"]
    fleet.path.write_text(damage)
    assert fleet.names() == ["bank/1"]
    fleet.write(2)
    assert fleet.names() == ["bank/2"]


def test_when_the_file_is_gone_the_last_state_is_used(fleet: Fleet) -> None:
    fleet.write(1)
    assert fleet.names() == ["bank/1"]
    fleet.path.unlink()
    assert fleet.names() == ["bank/1"]


def test_a_fixed_registry_offers_what_is_up(tools: Tools) -> None:
    down = tools.replica(2).model_copy(update={"state": InstanceState.DOWN})
    resolver = StaticResolver(Registry(instances=(tools.replica(1), down)))
    assert [instance.name for instance in resolver.resolve("bank")] == ["bank/1"]
