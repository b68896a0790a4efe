"""What the docker command says, understood: a program in its place says what the real one does."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from chaos.targets.compose.docker_engine import DockerEngine
from chaos.targets.compose.engine import EngineError, GoneError, StoppedError
from tests.chaos.compose.fake_engine import INSPECTED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GONE = "Error response from daemon: No such container: abc\n"
START_GONE = f"{GONE}Error: failed to start containers: abc\n"
NOT_RUNNING = "Error response from daemon: cannot kill container: abc: container abc is not running\n"
DENIED = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
ABSENT = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"


class Docker:
    """Answers in order: exit code, standard output, standard error; or raises."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[tuple[int, bytes, str] | Exception] = []
        self.asked: list[list[str]] = []
        monkeypatch.setattr(subprocess, "run", self._run)

    def _run(self, command: Sequence[str], **_options: object) -> subprocess.CompletedProcess[bytes]:
        self.asked.append(list(command))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        code, out, err = answer
        return subprocess.CompletedProcess(command, code, out, err.encode())


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    return Docker(monkeypatch)


def test_containers_are_found_by_their_project_and_described(docker: Docker) -> None:
    docker.answers = [(0, b"a\nb\n", ""), (0, INSPECTED.read_bytes(), "")]
    found = DockerEngine().containers("firebreak")
    assert [each.compose_service for each in found] == ["gateway-1", "orders-2", "migrate", "postgres"]
    assert "label=com.docker.compose.project=firebreak" in docker.asked[0]
    assert docker.asked[1] == ["docker", "container", "inspect", "a", "b"]


def test_a_project_that_is_not_there_has_no_containers(docker: Docker) -> None:
    docker.answers = [(0, b"\n", "")]
    assert DockerEngine().containers("firebreak") == ()


def test_a_container_that_goes_between_two_questions_makes_both_be_asked_again(docker: Docker) -> None:
    docker.answers = [(0, b"a\n", ""), (1, b"[]", GONE), (0, b"", "")]
    assert DockerEngine().containers("firebreak") == ()
    docker.answers = [(0, b"a\n", ""), (1, b"[]", GONE)] * 3
    with pytest.raises(GoneError):
        DockerEngine().containers("firebreak")


def test_a_container_that_somebody_runs_by_hand_is_none_of_the_projects(docker: Docker) -> None:
    text = INSPECTED.read_bytes().replace(b'"com.docker.compose.oneoff": "False"', b'"com.docker.compose.oneoff": "True"')
    docker.answers = [(0, b"a\n", ""), (0, text, "")]
    assert DockerEngine().containers("firebreak") == ()


def test_who_is_down_already_need_not_be_killed_and_who_is_gone_need_not_be_started(docker: Docker) -> None:
    docker.answers = [(1, b"", NOT_RUNNING), (1, b"", START_GONE)]
    DockerEngine().kill(["abc"])
    DockerEngine().start(["abc"])


def test_who_is_gone_cannot_be_killed(docker: Docker) -> None:
    docker.answers = [(1, b"", f"{NOT_RUNNING}Error response from daemon: cannot kill container: x: No such container: x\n")]
    with pytest.raises(GoneError, match="No such container: x"):
        DockerEngine().kill(["abc", "x"])


def test_states_are_those_of_the_containers_there_are(docker: Docker) -> None:
    docker.answers = [(1, b"a exited\n\n", GONE)]
    assert DockerEngine().states(["a", "abc"]) == {"a": "exited"}


@pytest.mark.parametrize(
    ("said", "kind", "problem"),
    [
        (DENIED, EngineError, "group docker"),
        (ABSENT, EngineError, "no Docker engine answers"),
        ("error during connect: Get http://x: dial tcp: lookup x: no such host", EngineError, "no Docker engine answers"),
        ("Error response from daemon: container abc is not running", StoppedError, "container abc is not running"),
        ("Error response from daemon: something new", EngineError, "docker exec: something new"),
        ("", EngineError, "docker exec: ended without a word, with exit code 1"),
    ],
)  # fmt: skip
def test_every_failure_is_one_sentence_with_the_way_out(docker: Docker, said: str, kind: type[Exception], problem: str) -> None:
    docker.answers = [(1, b"", said)]
    with pytest.raises(kind, match=problem) as caught:
        DockerEngine().run_inside("abc", ["true"])
    assert len(str(caught.value).splitlines()) == 1


def test_what_was_killed_in_a_container_is_told_from_what_failed(docker: Docker) -> None:
    docker.answers = [(137, b"", "")]
    with pytest.raises(EngineError, match=r"^docker exec: ended without a word, killed \(exit code 137\): .*memory"):
        DockerEngine().run_inside("abc", ["true"])


def test_a_command_that_cannot_be_executed_is_told_from_one_that_is_not_there(docker: Docker, tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text("")
    program.chmod(0o700)
    docker.answers = [OSError(8, "Exec format error")]
    with pytest.raises(EngineError, match=r"docker cannot be executed: Exec format error"):
        DockerEngine(str(program)).containers("firebreak")


def test_without_docker_the_way_to_get_it_is_told(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    docker.answers = [FileNotFoundError()]
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match=r"there is no `docker` command on the PATH: install Docker 25 or newer"):
        DockerEngine().containers("firebreak")


def test_an_engine_that_hangs_is_not_waited_for(docker: Docker) -> None:
    docker.answers = [subprocess.TimeoutExpired("docker", 5)]
    with pytest.raises(EngineError, match=r"docker exec: no answer within 5 s"):
        DockerEngine().run_inside("abc", ["true"], timeout_s=5)
