"""The telemetry store as its own process, and how a test calls it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from pathlib import Path

TIMEOUT_S = 20
PROTOBUF = {"Content-Type": "application/x-protobuf"}


class Process:
    """The store as its own process."""

    def __init__(self, folder: Path, **environment: str) -> None:
        address = folder / f"notify-{len(list(folder.iterdir()))}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(address))
            notify.settimeout(TIMEOUT_S)
            self._popen = start(folder, NOTIFY_SOCKET=str(address), **environment)
            self.told = dict(line.split("=", 1) for line in notify.recv(4_096).decode().splitlines())
        self.pid = self._popen.pid
        self.port, self.otlp_port = (int(self.told[name]) for name in ("X_FIREBREAK_PORT", "X_FIREBREAK_OTLP_PORT"))

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Sends a signal and returns the exit code and what was written to stderr."""
        self._popen.send_signal(number)
        _, stderr = self._popen.communicate(timeout=TIMEOUT_S)
        return self._popen.returncode, stderr

    def data(self, target: str) -> list[dict[str, object]]:
        status, body = call(self.port, "GET", target)
        assert status == 200, body
        return list(json.loads(body)["data"])


def start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    defaults = {"FIREBREAK_STORE_PATH": str(folder / "telemetry.sqlite"), "FIREBREAK_PORT": "0", "FIREBREAK_OTLP_PORT": "0"}
    command = [sys.executable, "-m", "observability.store.main"]
    return subprocess.Popen(command, env={**os.environ, **defaults, **environment}, stderr=subprocess.PIPE, text=True)


def call(port: int, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(method, target, body, PROTOBUF)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
