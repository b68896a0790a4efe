"""Whether this container's service answers: what `HEALTHCHECK` runs, every few seconds and in every container."""

import os
import socket
import sys

PATH = "/health/ready"
TIMEOUT_S = 2.0
_FIRST_LINE_BYTES = 64


def main() -> int:
    """0 when it answers with 200, else 1 after one line, which `docker inspect` shows."""
    port = os.environ.get("FIREBREAK_PORT", "")
    try:
        with socket.create_connection(("127.0.0.1", int(port)), TIMEOUT_S) as connection:
            connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            status = connection.recv(_FIRST_LINE_BYTES).split(b" ")[1:2]
    except (OSError, ValueError) as error:
        sys.stderr.write(f"port {port}: {error}\n")
        return 1
    if status != [b"200"]:
        sys.stderr.write(f"port {port}: {PATH} is not answered with 200\n")
        return 1
    return 0
