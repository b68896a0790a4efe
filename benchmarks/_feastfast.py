"""The smallest server that answers FeastFast's public API: one epoll loop, no framework, constant answers.

Run as a program it prints its port and serves until it is killed. The generator's benchmarks and tests load it, because what
they measure is the generator: this server answers within some 20 microseconds, and its accept queue holds a whole stall.
"""

import json
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_BACKLOG: Final = 4_096
_RECEIVE_BYTES: Final = 65_536
_ORDER: Final = {"id": "00000000-0000-4000-8000-000000000001", "status": "confirmed", "total_cents": 1_200}
_ORDER_PATH: Final = re.compile(r"/v1/orders/([0-9a-f-]{36})(/tracking)?")


@contextmanager
def feastfast() -> Iterator[tuple[str, int]]:
    """Runs the server in a process of its own; yields its base URL and its pid."""
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.kill()


def main() -> None:
    """Serves on a free port of 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    print(listener.getsockname()[1], flush=True)
    listener.settimeout(0)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections: dict[int, tuple[socket.socket, bytearray]] = {}
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                for accepted in _accepted(listener):
                    connections[accepted.fileno()] = (accepted, bytearray())
                    poll.register(accepted, select.EPOLLIN)
                    _serve(accepted.fileno(), connections)
            else:
                _serve(fd, connections)


def _accepted(listener: socket.socket) -> list[socket.socket]:
    """A few of those who wait; the next round takes more, after the ones here are answered."""
    accepted = []
    for _ in range(16):
        try:
            accepted.append(listener.accept()[0])
        except BlockingIOError:
            break
    return accepted


def _serve(fd: int, connections: dict[int, tuple[socket.socket, bytearray]]) -> None:
    connection, received = connections[fd]
    connection.settimeout(0)
    try:
        data = connection.recv(_RECEIVE_BYTES)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    if not data:
        del connections[fd]
        connection.close()
        return
    received += data
    while (answer := _answer(received)) is not None:
        connection.sendall(answer)


def _answer(received: bytearray) -> bytes | None:
    """Takes one whole request off `received` and answers it; None while there is none."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].decode("latin-1")
    length = re.search(r"^content-length: *(\d+)", head, re.IGNORECASE | re.MULTILINE)
    size = end + 4 + (int(length[1]) if length else 0)
    if len(received) < size:
        return None
    del received[:size]
    method, target, _ = head.split(" ", 2)
    status, body = _respond(method, target.partition("?")[0])
    payload = json.dumps(body).encode()
    return f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n".encode() + payload


def _respond(method: str, path: str) -> tuple[int, object]:
    if (method, path) == ("POST", "/v1/sessions"):
        return 201, {"token": "token", "customer_id": "1", "expires_in_s": 3_600}
    if (method, path) == ("POST", "/v1/orders"):
        return 201, _ORDER
    if path == "/v1/restaurants":
        return 200, {"restaurants": [{"id": number, "name": f"Restaurant {number}"} for number in range(1, 21)], "next": None}
    if path.endswith("/menu"):
        return 200, {"dishes": [{"id": number, "name": f"Dish {number}", "price_cents": 900} for number in range(101, 109)]}
    if match := _ORDER_PATH.fullmatch(path):
        return 200, {"order_id": match[1], "status": "assigned"} if match[2] else _ORDER
    return 404, {"title": "Not Found"}


if __name__ == "__main__":
    main()
