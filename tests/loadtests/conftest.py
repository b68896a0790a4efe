import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TypeVar

import gevent
import pytest
from gevent.server import StreamServer

from loadtests.client import Answer, Client
from loadtests.journeys.journey import Account, PlacedOrder, Request, Visit

T = TypeVar("T")


class ScriptedVisit(Visit):
    """Answers steps from a list of bodies and keeps what was asked."""

    def __init__(self, *bodies: object) -> None:
        self.random = Random(7)
        self.accounts = (Account("token-1", 3_600), Account("token-2", 3_600))
        self.orders: deque[PlacedOrder] = deque(maxlen=3)
        self.asked: list[Request] = []
        self._bodies = list(bodies)

    def ask(self, request: Request, read: Callable[[object], T]) -> T:
        self.asked.append(request)
        return read(self._bodies.pop(0))


class FakeClient(Client):
    """Answers every request by a function of it, without a network."""

    def __init__(self, respond: Callable[[str, str], tuple[int, object]]) -> None:
        self._respond = respond
        self.sent: list[tuple[str, str, Mapping[str, str], bytes]] = []

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        self.sent.append((method, path, headers, body))
        status, answer = self._respond(method, path)
        return Answer(status, path.endswith("/tracking"), json.dumps(answer).encode())


class RawServer:
    """Answers every connection's requests with `reply`, byte for byte; `closing` cuts the connection after each."""

    def __init__(self) -> None:
        self.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        self.closing = False
        self.requests: list[bytes] = []
        self.connections = 0
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()

    @property
    def port(self) -> int:
        port: int = self._server.server_port
        return port

    def stop(self) -> None:
        self._server.stop(timeout=0.1)

    def _serve(self, connection: gevent.socket.socket, _address: object) -> None:
        self.connections += 1
        while data := connection.recv(65_536):
            self.requests.append(data)
            connection.sendall(self.reply)
            if self.closing:
                break
        connection.close()


@pytest.fixture
def scripted_visit() -> type[ScriptedVisit]:
    return ScriptedVisit


@pytest.fixture
def fake_client() -> type[FakeClient]:
    return FakeClient


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.stop()
