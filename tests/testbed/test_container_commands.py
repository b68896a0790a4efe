"""The commands that are executed in a container, beside its process 1."""

import io
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.container import asking, health, reading
from testbed.container.places import CONTROL, JOURNAL


@contextmanager
def answering(listener: socket.socket, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """Takes one connection in a thread."""

    def serve() -> None:
        connection, _address = listener.accept()
        with connection:
            answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        listener.close()


@contextmanager
def keeper(folder: Path, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / CONTROL))
    listener.listen()
    with answering(listener, answer):
        yield


def ask(folder: Path, request: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(request)))
    return asking.main(str(folder))


def test_a_request_is_carried_to_the_keeper_and_its_answer_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        heard.append(connection.recv(1_000))
        connection.sendall(b'{"error": ')
        connection.sendall(b"null}\n")

    with keeper(tmp_path, answer):
        assert ask(tmp_path, b'{"op": "status"}\nand more', monkeypatch) == 0
    assert heard == [b'{"op": "status"}\n']
    assert capfdbinary.readouterr().out == b'{"error": null}\n'


def test_a_keeper_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path, b"{}\n", monkeypatch) == 2
    assert (
        capsys.readouterr().err
        == f"{tmp_path / CONTROL}: the keeper of this container does not answer: No such file or directory\n"
    )


def test_a_keeper_that_hangs_up_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(b'{"half')

    with keeper(tmp_path, hang_up):
        assert ask(tmp_path, b"{}\n", monkeypatch) == 2
    captured = capsys.readouterr()
    assert "hung up before it had answered" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("request_", [b"", b"\n", b"   \n"])
def test_nothing_asked_is_said_so(
    request_: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path, request_, monkeypatch) == 2
    assert capsys.readouterr().err.startswith("nothing was asked")


def test_the_journal_is_printed_oldest_part_first(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / JOURNAL).write_bytes(b"new\n")
    (tmp_path / f"{JOURNAL}.1").write_bytes(b"old\n")
    assert reading.main(str(tmp_path)) == 0
    assert capfdbinary.readouterr().out == b"old\nnew\n"


def test_a_journal_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reading.main(str(tmp_path)) == 2
    assert f"{tmp_path / JOURNAL}: there is no journal to read" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "code"), [(b"200 OK", 0), (b"503 Service Unavailable", 1), (b"", 1)])
def test_a_service_is_healthy_when_it_says_that_it_is_ready(
    status: bytes, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(connection: socket.socket) -> None:
        assert connection.recv(1_000).startswith(b"GET /health/ready HTTP/1.1\r\n")
        connection.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n" if status else b"")

    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setenv("FIREBREAK_PORT", str(listener.getsockname()[1]))
    with answering(listener, answer):
        assert health.main() == code
    assert bool(capsys.readouterr().err) is bool(code)


@pytest.mark.parametrize("port", ["", "eighty", "1"])
def test_where_nobody_listens_nobody_is_healthy(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIREBREAK_PORT", port)
    assert health.main() == 1
    assert capsys.readouterr().err.startswith(f"port {port}: ")


@pytest.mark.parametrize("command", ["asking", "reading", "health"])
@pytest.mark.system
def test_a_command_imports_next_to_nothing(command: str) -> None:
    code = f"import sys; before = set(sys.modules); import testbed.container.{command}; print(*(set(sys.modules) - before))"
    imported = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert not {"pydantic", "asyncio", "pathlib", "typing_extensions", "services", "yaml"} & set(imported)


@pytest.mark.system
def test_another_command_is_refused_with_what_is_allowed() -> None:
    told = subprocess.run([sys.executable, "-m", "testbed.container", "stop"], capture_output=True, check=False, text=True)
    assert told.returncode == 2
    allowed = "ask, journal, health, forget-stream, migrate, or none to keep the replica"
    assert told.stderr == f"no such command: stop; allowed: {allowed}\n"


@pytest.mark.system
def test_what_is_asked_of_a_container_ends_for_memory_before_its_service_does() -> None:
    code = (
        "import sys; sys.argv = ['', 'health']; import testbed.container.health as health, testbed.container.__main__ as command;"
        "health.main = lambda: print(open('/proc/self/oom_score_adj').read().strip()) or 0; command.main()"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert told.stdout == "1000\n"
