"""The supervisor's line to whoever launched it (testbed.launch): reports go out, and its end means that nobody waits."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable

from testbed.launch import Report


class LaunchChannel:
    """Reports as JSON lines over the launcher's socket, or on standard output when a person started the supervisor.

    Args:
        descriptor: The socket's descriptor, inherited from the launcher; None without one.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._socket = None if descriptor is None else socket.socket(fileno=descriptor)
        if self._socket is not None:
            self._socket.set_inheritable(False)

    @property
    def launched(self) -> bool:
        """Whether a launcher waits on the other side."""
        return self._socket is not None

    def send(self, report: Report) -> None:
        """Sends a report; a launcher that is gone is noticed by `watch`."""
        line = report.model_dump_json(exclude_defaults=True).encode() + b"\n"
        if self._socket is None:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            return
        with contextlib.suppress(OSError):
            self._socket.sendall(line)

    def watch(self, gone: Callable[[], None]) -> None:
        """Calls `gone` once the launcher has closed its side, however it ended."""
        channel = self._socket
        if channel is None:
            return
        loop = asyncio.get_running_loop()

        def readable() -> None:
            try:
                said = channel.recv(64)
            except OSError:
                said = b""
            if not said:
                loop.remove_reader(channel)
                gone()

        loop.add_reader(channel, readable)

    def release(self) -> None:
        """Stops watching and closes: the system is ready, and its launcher may go."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
