import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from observability.notify import notify_ready


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.settimeout(2)
        yield bound


def received(receiver: socket.socket) -> list[str]:
    return receiver.recv(4096).decode().split("\n")


def test_one_datagram_says_ready_with_pid_instance_and_port(receiver: socket.socket, tmp_path: Path) -> None:
    receiver.bind(str(tmp_path / "notify"))
    notify_ready("orders/2", 8001, address=str(tmp_path / "notify"))
    assert received(receiver) == ["READY=1", f"MAINPID={os.getpid()}", "X_FIREBREAK_INSTANCE=orders/2", "X_FIREBREAK_PORT=8001"]


def test_the_environment_names_the_socket_when_no_address_is_given(
    receiver: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    notify_ready("telemetry/1", 16686, 4318)
    assert received(receiver)[-1] == "X_FIREBREAK_OTLP_PORT=4318"


def test_an_abstract_socket_is_spelled_with_an_at_sign(receiver: socket.socket) -> None:
    receiver.bind(f"\0firebreak-test-{os.getpid()}")
    notify_ready("orders/1", 1, address=f"@firebreak-test-{os.getpid()}")
    assert received(receiver)[0] == "READY=1"


def test_nothing_is_sent_when_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify_ready("orders/1", 1)


def test_a_socket_that_nobody_reads_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"NOTIFY_SOCKET .*gone.*does not receive"):
        notify_ready("orders/1", 1, address=str(tmp_path / "gone"))


def test_an_instance_name_cannot_forge_fields(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one line"):
        notify_ready("orders/1\nX_FIREBREAK_PORT=1", 1, address=str(tmp_path / "any"))
