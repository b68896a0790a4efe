"""Processes that a benchmark starts, and what it has to know of them: whether they listen, spans that arrived."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

START_S: Final = 20.0


def begin(
    module: str, *arguments: str, processor: int | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts `python -m module`, on one processor if that is named; it ends with this process, however this one ends."""
    command = [sys.executable, "-m", "testbed.leash", str(os.getpid()), module, *arguments]
    pin = (lambda: os.sched_setaffinity(0, {processor})) if processor is not None else None
    return subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        preexec_fn=pin,  # noqa: PLW1509 - a benchmark has no threads yet.
    )


@contextmanager
def ended(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Ends what is in the list when the context is left, the last to start first."""
    try:
        yield
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def await_listener(port: int) -> None:
    """Returns once somebody listens. Raises RuntimeError after START_S."""
    until_s = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until_s:
                raise RuntimeError(f"nobody listens on port {port} after {START_S:g} s") from None
            time.sleep(0.05)
        else:
            return


def spans_at(sink_port: int) -> int:
    """Spans that a `_span_sink` has taken so far."""
    connection = http.client.HTTPConnection("127.0.0.1", sink_port, timeout=60)
    try:
        connection.request("GET", "/spans")
        return int(connection.getresponse().read())
    finally:
        connection.close()
