"""A private NATS server with JetStream for one test: its store in a folder of its own, on a free port."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

from testbed.ports import free_port

PASSWORD = "pass-word-of-nats"
HOW_TO_GET_IT = "no nats-server on this machine; Debian: apt-get install --no-install-recommends nats-server"
_READY_S = 20.0
_STOP_S = 10.0


class NatsServer:
    """A server that can go down and come back with what it stored, and that ends with this process at the latest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def url(self, password: str = PASSWORD) -> str:
        return f"nats://tests:{password}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it takes connections. Raises RuntimeError with its log."""
        address = ["-a", "127.0.0.1", "-p", str(self.port), "--user", "tests", "--pass", PASSWORD]
        leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*leash, "nats-server", *address, "-js", "-sd", self._folder / "store"], stdout=output, stderr=output
            )
        deadline = time.monotonic() + _READY_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nats-server did not start: {log.read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """It ends at once; what it stored stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_STOP_S)
            self._process = None

    def forget(self) -> None:
        """Removes what it stored; it is to be down."""
        shutil.rmtree(self._folder / "store")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False
