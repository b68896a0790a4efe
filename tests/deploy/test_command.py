"""`testbed compose` as people run it, with a `docker` command on the PATH that a test wrote."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaos.targets.compose.docker import DockerCommand
from chaos.targets.compose.engine import EngineError

pytestmark = pytest.mark.system

LIMIT_S = 30.0


def docker(folder: Path, script: str) -> dict[str, str]:
    """An environment in which `docker` is that shell script."""
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:/usr/bin:/bin"}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "testbed.cli", "compose", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def test_a_machine_without_docker_is_told_so_in_one_sentence_with_exit_code_2(tmp_path: Path) -> None:
    done = run({**os.environ, "PATH": str(tmp_path)}, "up")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("testbed: there is no `docker` command on the PATH: install Docker 25 or newer")
    assert len(done.stderr.splitlines()) == 1


def test_an_engine_that_does_not_run_is_told_the_same_way(tmp_path: Path) -> None:
    environment = docker(
        tmp_path, 'echo "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?" >&2; exit 1'
    )
    for verb in ("up", "down", "load", "status"):
        done = run(environment, verb)
        assert done.returncode == 2
        assert "no Docker engine answers" in done.stderr


def test_the_command_s_answer_and_the_last_line_of_what_it_complains_of_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", docker(tmp_path, 'echo "$TOLD $1"; echo first >&2; echo last >&2; exit 3')["PATH"])
    answer = DockerCommand(tmp_path, {"TOLD": "this"}).ask("that")
    assert (answer.code, answer.out, answer.reason) == (3, "this that\n", "last")
    assert DockerCommand(tmp_path).show("that") == 3


def test_an_engine_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", docker(tmp_path, "exec sleep 60")["PATH"])
    with pytest.raises(EngineError, match=r"^docker info: no answer within 0\.2 s; .* the engine hangs: restart it"):
        DockerCommand(tmp_path).ask("info", timeout_s=0.2)


def test_ctrl_c_is_passed_on_and_the_command_is_given_time_to_leave_off(tmp_path: Path) -> None:
    started, left = tmp_path / "started", tmp_path / "left"
    script = f"trap 'sleep 0.3; touch {left}; exit 130' INT; touch {started}; while :; do sleep 0.05; done"
    environment = docker(tmp_path, script)
    code = f"import pathlib, chaos.targets.compose.docker as docker; docker.DockerCommand(pathlib.Path('{tmp_path}')).show('up')"
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline_s = time.monotonic() + LIMIT_S
        while not started.exists() and time.monotonic() < deadline_s:
            time.sleep(0.02)
        time.sleep(0.5)  # It has begun to wait by then.
        process.send_signal(signal.SIGINT)  # As `kill` would: the command itself does not get it.
        _, said = process.communicate(timeout=LIMIT_S)
    assert left.exists()
    assert "KeyboardInterrupt" in said
