"""Receives what processes say with sd_notify: that they listen, and on which ports."""

import asyncio
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_MAX_DATAGRAM_BYTES = 4_096


@dataclass(frozen=True)
class Notice:
    """A process listens. The sender's process id tells a restarted process's notice from its predecessor's."""

    instance: str
    pid: int
    port: int
    otlp_port: int | None


def parse_notice(datagram: bytes) -> Notice | None:
    """The notice in a datagram, or None for other messages of the protocol (STATUS=, WATCHDOG=1) and for nonsense."""
    pairs = (line.partition("=") for line in datagram.decode(errors="replace").split("\n"))
    fields = {key: value for key, _equals, value in pairs}
    numbers = {key: int(value) for key, value in fields.items() if re.fullmatch(r"\d{1,9}", value)}
    pid, port = numbers.get("MAINPID"), numbers.get("X_FIREBREAK_PORT")
    if fields.get("READY") != "1" or pid is None or port is None:
        return None
    return Notice(fields.get("X_FIREBREAK_INSTANCE", ""), pid, port, numbers.get("X_FIREBREAK_OTLP_PORT"))


class NoticeBoard:
    """The datagram socket, in a folder that only the owner enters."""

    def __init__(self, path: Path, received: Callable[[Notice], None]) -> None:
        self.path = path
        self._received = received
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def open(self) -> None:
        """Binds the socket. Raises OSError."""
        self.path.unlink(missing_ok=True)
        self._socket.bind(str(self.path))
        self.path.chmod(0o600)
        self._socket.settimeout(0)
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    def close(self) -> None:
        """Stops listening and removes the socket."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _receive(self) -> None:
        notice = parse_notice(self._socket.recv(_MAX_DATAGRAM_BYTES))
        if notice is not None:
            self._received(notice)
