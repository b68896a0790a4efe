"""Deletes an event stream from NATS: the one that is named on standard input, at the server of this container's service.

NATS publishes no port, so it is asked from in here, in its own protocol (docs.nats.io, Client Protocol; JetStream wire API): its
client library takes more memory than a service leaves free.
"""

import json
import os
import socket
import sys
from typing import Final
from urllib.parse import unquote, urlsplit

_SERVER: Final = "FIREBREAK_NATS_URL"
_PORT: Final = 4222
_TIMEOUT_S: Final = 5.0
_MAX_LINE_BYTES: Final = 65_536
_ABSENT: Final = 404
_EXIT_FAILED: Final = 2


def main() -> int:
    """0 when the stream is gone, also when it never was; 2, after one line that says why, when it may still be there."""
    stream = sys.stdin.readline(256).strip()
    try:
        problem = _delete(os.environ.get(_SERVER, ""), stream)
    except (OSError, ValueError) as error:
        problem = str(error)
    if problem:
        sys.stderr.write(f"NATS did not delete the stream {stream!r}: {problem}\n")
    return _EXIT_FAILED if problem else 0


def _delete(server: str, stream: str) -> str:
    """Why not, or empty. Raises OSError, or ValueError for an answer that is none."""
    parts = urlsplit(server)
    if not parts.hostname or not stream:
        return f"{_SERVER} names no server" if stream else "none is named on standard input"
    with socket.create_connection((parts.hostname, parts.port or _PORT), _TIMEOUT_S) as connection:
        lines = connection.makefile("rb")
        lines.readline(_MAX_LINE_BYTES)  # It introduces itself.
        hello = {
            "verbose": False,
            "pedantic": False,
            "user": unquote(parts.username or ""),
            "pass": unquote(parts.password or ""),
        }
        request = f"CONNECT {json.dumps(hello)}\r\nSUB answer 1\r\nPUB $JS.API.STREAM.DELETE.{stream} answer 0\r\n\r\n"
        connection.sendall(request.encode())
        while not (line := lines.readline(_MAX_LINE_BYTES)).startswith(b"MSG"):
            if not line or line.startswith(b"-ERR"):
                return line.decode(errors="replace").strip() or "it hung up"
        error = json.loads(lines.readline(_MAX_LINE_BYTES)).get("error", {})
    return "" if error.get("code", _ABSENT) == _ABSENT else str(error.get("description"))
