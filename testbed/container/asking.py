"""Carries one request to process 1 and its answer back, without looking into either."""

import socket
import sys

from testbed.container.places import CONTROL, FOLDER

MAX_MESSAGE_BYTES = 1_000_000
TIMEOUT_S = 60.0
"""A restart takes longest: some seconds."""
_CHUNK_BYTES = 65_536
_EXIT_UNANSWERED = 2


def main(folder: str = FOLDER) -> int:
    """Copies a line from standard input to the socket, and the answer to standard output. 2, after one line, without one."""
    path = f"{folder}/{CONTROL}"
    request = sys.stdin.buffer.readline(MAX_MESSAGE_BYTES)
    if not request.strip():
        sys.stderr.write("nothing was asked: one JSON request is expected as a line on standard input\n")
        return _EXIT_UNANSWERED
    try:
        answer = _answer(path, request.rstrip(b"\n") + b"\n")
    except OSError as error:
        sys.stderr.write(f"{path}: the keeper of this container does not answer: {error.strerror or error}\n")
        return _EXIT_UNANSWERED
    if not answer.endswith(b"\n"):
        sys.stderr.write(f"{path}: the keeper of this container hung up before it had answered\n")
        return _EXIT_UNANSWERED
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    return 0


def _answer(path: str, request: bytes) -> bytes:
    """What came back until the line was whole, or too long, or the other side left. Raises OSError."""
    answer = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(path)
        connection.sendall(request)
        while not answer.endswith(b"\n") and len(answer) <= MAX_MESSAGE_BYTES:
            chunk = connection.recv(_CHUNK_BYTES)
            if not chunk:
                break
            answer += chunk
    return bytes(answer)
