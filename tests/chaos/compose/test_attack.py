"""Kills under attack: real commands and real revivers, of which some are killed, on an engine that is a file."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.topology import default_topology_path
from testbed.control import ControlError
from tests.chaos.compose.fake_engine import INSPECTED

pytestmark = pytest.mark.system

PATIENCE_S = 60.0
DOCKER = Path(__file__).with_name("docker_program.py")


class Project:
    """A Compose project whose engine is a program on the PATH."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "project"
        self.folder.mkdir()
        program = root / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {root / "docker_program.py"} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        shutil.copy(DOCKER, root)
        template = json.loads(INSPECTED.read_bytes())[1]
        names = [("orders", 1), ("orders", 2), ("users", 1)]
        self._write({f"id-{name}-{number}": self._container(template, name, number) for name, number in names})
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | {"PATH": path, "FAKE_DOCKER": str(root), "COMPOSE_PROJECT_NAME": "firebreak"}

    def _container(self, template: dict[str, object], service: str, replica: int) -> dict[str, object]:
        labels = {
            "com.docker.compose.project": "firebreak",
            "com.docker.compose.service": f"{service}-{replica}",
            "com.docker.compose.project.working_dir": str(self.folder),
            "firebreak.service": service,
            "firebreak.replica": str(replica),
        }
        mounts = [{"Source": str(default_topology_path()), "Destination": "/etc/firebreak/topology.yaml"}]
        changed = {"Id": f"id-{service}-{replica}", "State": {"Status": "running"}, "Config": {"Labels": labels, "Env": []}}
        return template | changed | {"Mounts": mounts, "NetworkSettings": {}}

    def _write(self, containers: dict[str, dict[str, object]]) -> None:
        (self.root / "containers.json").write_text(json.dumps(containers), encoding="utf-8")

    def take_down(self) -> None:
        self._write({})

    def state(self, name: str) -> str:
        text = (self.root / "containers.json").read_text(encoding="utf-8")
        return str(json.loads(text)[f"id-{name}"]["State"]["Status"]) if text else "being written"

    def chaos(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "chaos.cli", *arguments, "--target", "compose"]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def say(self, *arguments: str) -> str:
        with self.chaos(*arguments) as process:
            out, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, out
        return out

    def revivers(self) -> list[int]:
        """Their process ids; those that are dead and not yet reaped do not count."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdecimal() else []
            except OSError:
                continue
            if b"chaos.targets.compose.reviver" in words and os.fsencode(self._kept) in words:
                found.append(int(entry.name))
        return found

    @property
    def _kept(self) -> Path:
        return self.folder / ".testbed" / "compose" / "firebreak"

    def left(self) -> list[str]:
        return sorted(path.name for path in self._kept.iterdir())


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    found = Project(tmp_path)
    yield found
    for pid in found.revivers():
        os.kill(pid, signal.SIGKILL)


def until(condition: Callable[[], bool], limit_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise ControlError("it did not come to that")
        time.sleep(0.05)


def test_a_killed_container_is_started_again_after_the_command_has_ended(project: Project) -> None:
    out = project.say("kill", "orders", "--for", "4s")
    assert re.search(
        r"kill at orders \(in orders/1, orders/2\) until .* \(4s\)\n  undo:  chaos heal orders --target compose", out
    )
    assert (project.state("orders-1"), project.state("orders-2"), project.state("users-1")) == ("exited", "exited", "running")
    until(lambda: project.state("orders-1") == project.state("orders-2") == "running")
    until(lambda: project.revivers() == [])
    assert project.left() == ["lock", "processes.jsonl"]


def test_a_fault_outlives_no_lease_when_its_command_is_killed_in_the_middle(project: Project) -> None:
    command = project.chaos("kill", "users", "--for", "3s")
    until(lambda: bool(project.revivers()) or command.poll() is not None)
    command.kill()
    command.communicate()
    until(lambda: project.revivers() == [])
    assert project.state("users-1") == "running"
    assert project.left() == ["lock", "processes.jsonl"]


def test_what_a_killed_reviver_leaves_is_healed_by_hand(project: Project) -> None:
    project.say("kill", "users", "--for", "10m")
    os.kill(project.revivers()[0], signal.SIGKILL)
    assert project.say("heal") == "Ended 1 fault.\n"
    assert project.state("users-1") == "running"


def test_what_a_killed_reviver_leaves_is_held_on_by_the_next_command_and_ends_on_time(project: Project) -> None:
    project.say("kill", "users", "--for", "20s")
    os.kill(project.revivers()[0], signal.SIGKILL)
    assert "Nothing is injected" not in project.say("list")
    until(lambda: len(project.revivers()) == 1)
    assert project.state("users-1") == "exited"
    until(lambda: project.state("users-1") == "running")
    until(lambda: project.revivers() == [])


def test_a_reviver_ends_with_its_project_and_with_a_heal(project: Project) -> None:
    project.say("kill", "users", "--for", "10m")
    project.say("kill", "orders", "--for", "10m")
    assert len(project.revivers()) == 2
    project.say("heal", "orders")
    until(lambda: len(project.revivers()) == 1, 5.0)
    project.take_down()
    until(lambda: project.revivers() == [], 12.0)


def test_bad_input_is_one_sentence_and_exit_code_2(project: Project) -> None:
    project.take_down()
    with project.chaos("kill", "users") as process:
        out, _ = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (2, "chaos: no Compose project 'firebreak' runs; start it with: make up\n")
