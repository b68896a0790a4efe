"""Prometheus knows of a load while it runs, and no longer."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed.load_target import forget_dead_loads, load_target


def test_a_load_is_told_of_while_it_runs(tmp_path: Path) -> None:
    with load_target(tmp_path) as port:
        [path] = tmp_path.glob("*.json")
        [group] = json.loads(path.read_text())
        assert group == {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"job": "load", "service": "load", "instance": f"load/{os.getpid()}"},
        }
    assert list(tmp_path.iterdir()) == []


def test_a_load_elsewhere_is_told_of_by_the_name_that_it_has_there(tmp_path: Path) -> None:
    with load_target(tmp_path, "127.0.0.2", "host.docker.internal") as port:
        [path] = tmp_path.glob("*.json")
        assert json.loads(path.read_text())[0]["targets"] == [f"host.docker.internal:{port}"]


def test_a_load_that_fails_is_told_of_no_longer(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), load_target(tmp_path):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_one_of_two_loads_that_ends_leaves_the_other_a_target(tmp_path: Path) -> None:
    another = tmp_path / f"load-{os.getppid()}.json"
    another.touch()
    with load_target(tmp_path):
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == [another]


def test_who_was_killed_is_forgotten_and_who_lives_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()
    killed, others = tmp_path / f"load-{dead.pid}.json", [tmp_path / "load-of-mine.json", tmp_path / "system.json"]
    for path in (killed, *others):
        path.touch()
    with load_target(tmp_path):
        forget_dead_loads(tmp_path)
        assert {*tmp_path.iterdir()} == {*others, tmp_path / f"load-{os.getpid()}.json"}


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_told_to_end_takes_its_load_and_its_target_with_it(tmp_path: Path, number: signal.Signals) -> None:
    """Locust waits for its first customer at an address where nobody answers."""
    (tmp_path / "targets").mkdir()
    code = (
        "from pathlib import Path; from rich.console import Console; from testbed.locust_command import LoadOptions, run_load\n"
        f"run_load(LoadOptions(users=1, web_port=None, duration_s=600), 'http://192.0.2.1:9', Path({str(tmp_path)!r})"
        " / 'targets', Console())"
    )
    command = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        deadline_s = time.monotonic() + 20
        target = tmp_path / "targets" / f"load-{command.pid}.json"
        while not target.exists() and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert target.exists()
        os.killpg(command.pid, number)
        assert command.wait(20) != 0
    finally:
        command.kill()
        command.wait()
    assert list((tmp_path / "targets").iterdir()) == []
