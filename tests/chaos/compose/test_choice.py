"""Which system a command means when nobody says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.targets import choice
from chaos.targets.choice import choose_system
from chaos.targets.errors import TargetError
from chaos.targets.local import LocalSystem
from testbed.control import NotRunningError
from tests.chaos.compose.fake_engine import NO_ENGINE

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.targets.compose.system import ComposeSystem


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Process ids of local supervisors that run."""
    running: list[int] = []
    monkeypatch.setattr(choice, "running_supervisor", lambda _state: running[0] if running else None)
    return running


def unasked() -> ComposeSystem | None:
    raise AssertionError("nobody wants to know")


def no_engine() -> ComposeSystem | None:
    raise NO_ENGINE


def test_the_one_that_runs_is_meant(local: list[int], system: ComposeSystem) -> None:
    assert choose_system(None, None, lambda: system) is system
    local.append(7)
    assert isinstance(choose_system(None, None, lambda: None), LocalSystem)


def test_when_both_run_somebody_has_to_say_which(local: list[int], system: ComposeSystem) -> None:
    local.append(7)
    with pytest.raises(
        TargetError, match=r"two systems run, a local one in .* and the Compose project '.*'; .*--target local or"
    ):
        choose_system(None, None, lambda: system)
    assert isinstance(choose_system("local", None, unasked), LocalSystem)
    assert choose_system("compose", None, unasked).option == "--target compose"


def test_a_folder_names_a_local_system(tmp_path: Path) -> None:
    assert choose_system(None, tmp_path, unasked).option == f"--state {tmp_path}"
    with pytest.raises(TargetError, match="--state names a local system and --target a Compose project"):
        choose_system("compose", tmp_path, unasked)


def test_when_none_runs_both_ways_to_start_one_are_told(
    local: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        NotRunningError, match=r"no testbed runs in .*start one with: testbed up; or on Docker Compose with: make up"
    ):
        choose_system(None, None, lambda: None).status()


def test_an_engine_that_cannot_be_asked_is_told_of_when_nothing_else_runs(
    local: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        NotRunningError, match=r"testbed up\. Whether one runs on Docker Compose is not known: no Docker engine answers"
    ):
        choose_system(None, None, no_engine).status()
    local.append(7)
    assert isinstance(choose_system(None, None, no_engine), LocalSystem)


def test_a_project_of_another_name_is_found_as_compose_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPOSE_PROJECT_NAME")
    assert choice.project_name() == "firebreak"
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "mine")
    assert choice.project_name() == "mine"
