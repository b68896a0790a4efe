"""Commands that only a local system has say so where a Compose project runs instead."""

from pathlib import Path

import pytest

from chaos.targets.local import LocalSystem
from testbed.commands import local_only as module
from testbed.commands.local_only import local_only
from testbed.control import ControlError, NotRunningError
from testbed.run import CURRENT


def nothing_runs(state: Path) -> None:
    with local_only(state, "make load"):
        raise NotRunningError("no testbed runs here")


def test_where_a_compose_project_runs_its_own_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "choose_system", lambda _name, _state: object())
    with pytest.raises(ControlError, match="what runs on Docker Compose has a way of its own: make load"):
        nothing_runs(CURRENT)


def test_where_nothing_runs_the_reason_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "choose_system", lambda _name, _state: LocalSystem(CURRENT))
    with pytest.raises(NotRunningError):
        nothing_runs(CURRENT)


def test_who_names_a_folder_means_a_local_system(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError):
        nothing_runs(tmp_path)
