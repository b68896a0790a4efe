"""The exporter's process: what it cannot use is said before anything starts, and it ends when it is told to."""

from __future__ import annotations

import gc
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from observability.exporter import main as exporter_main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _signals() -> object:
    """Its own handlers are taken back."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield None
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("missing", ["FIREBREAK_EXPORTER", "FIREBREAK_OTLP_ENDPOINT"])
def test_a_setting_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    monkeypatch.setenv("FIREBREAK_EXPORTER", str(tmp_path / "exporter.sock"))
    monkeypatch.setenv("FIREBREAK_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delenv(missing)
    with pytest.raises(SystemExit) as ended:
        exporter_main.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"{missing} is not set")


def test_a_socket_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIREBREAK_EXPORTER", str(tmp_path / "no" / "such" / "folder.sock"))
    monkeypatch.setenv("FIREBREAK_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(SystemExit) as ended:
        exporter_main.main()
    assert ended.value.code == 2
    assert f"{tmp_path}/no/such/folder.sock: cannot listen there: No such file or directory" in capsys.readouterr().err


def test_it_listens_for_its_owner_alone_takes_the_place_of_a_dead_one_and_removes_its_socket_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "exporter.sock"
    path.write_text("of a former life")
    monkeypatch.setenv("FIREBREAK_EXPORTER", str(path))
    monkeypatch.setenv("FIREBREAK_OTLP_ENDPOINT", "http://127.0.0.1:1")
    modes: list[int] = []

    def tell() -> None:
        while not path.is_socket() or path.stat().st_mode & 0o777 != 0o600:
            threading.Event().wait(0.005)
        modes.append(path.stat().st_mode & 0o777)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(gc, "freeze", threading.Thread(target=tell, daemon=True).start)
    exporter_main.main()
    assert modes == [0o600]
    assert not path.exists()
