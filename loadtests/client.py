"""HTTP/1.1 over geventhttpclient's sockets and parser, the ones under Locust's FastHttpUser, without its agent.

The agent suits closed-loop users. Under open-loop load at a broken server it misleads in three ways, so connections are handled
here. It resends a GET whose connection was cut, up to pool size + 1 times: one journey becomes thousands of requests. Its pool
is a semaphore, which makes arrivals wait for responses. And it checks idle connections with select(2), which ends at file
descriptor 1,024. Here nothing is sent twice and nothing waits for a connection. Time limits are the caller's (gevent.Timeout).
"""

import contextlib
import socket
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

import gevent.socket
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse

MAX_BODY_BYTES: Final = 1_000_000
_CHUNK_BYTES: Final = 16_384
_IDLE_LIMIT_S: Final = 2.0
"""Servers close idle connections after 5 s (uvicorn) or more; reusing one at that moment would fail for no fault of theirs."""

REQUEST_ERRORS: Final = (OSError, HTTPParseError)
"""What `Client.send` raises when there is no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP response."""

    status: int
    degraded: bool
    """Whether it carried the header `Degraded`."""
    body: bytes


@dataclass(frozen=True)
class Host:
    """Where the system under load listens."""

    name: str
    port: int

    @classmethod
    def parse(cls, url: str | None) -> "Host":
        """Reads a base URL such as `http://127.0.0.1:8080`. Raises ValueError with what is allowed."""
        try:
            parts = urlsplit(url or "")
            name, port = parts.hostname, 80 if parts.port is None else parts.port
        except ValueError:
            name, port = None, 0
        if not name or port == 0 or parts.scheme != "http" or parts.path.strip("/") or parts.query or parts.username:
            raise ValueError(
                f"{url!r} is no base URL; --host takes http://name or http://name:port, such as http://127.0.0.1:8080"
            )
        return cls(name, port)

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{name}:{self.port}"


class Client:
    """Keep-alive connections to one host, as many as there are requests at once.

    Args:
        host: Resolved once, here: a look-up between two arrivals would delay both. Raises OSError for an unknown name.
    """

    def __init__(self, host: Host) -> None:
        self._addresses = gevent.socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
        self._host_header = str(host)
        self._idle: deque[tuple[Any, float]] = deque()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Sends one request and reads the whole answer. Raises one of REQUEST_ERRORS; redirects are answers."""
        head = [f"{method} {path} HTTP/1.1", f"Host: {self._host_header}", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        connection = self._connection()
        try:
            connection.sendall("\r\n".join([*head, "", ""]).encode("ascii") + body)
        except BaseException:
            connection.close()
            raise
        # From here the response owns the connection: it comes back through return_socket or release_socket.
        response = HTTPSocketPoolResponse(connection, cast("Any", self), method=method, block_size=_CHUNK_BYTES)
        return Answer(response.get_code(), "Degraded" in response, _read(response))

    def close(self) -> None:
        """Closes idle connections; those in use close when their request ends."""
        while self._idle:
            self._idle.pop()[0].close()

    def return_socket(self, connection: Any) -> None:
        """Called by a response that is whole: its connection can serve again."""
        self._idle.append((connection, time.monotonic()))

    def release_socket(self, connection: Any) -> None:
        """Called by a response after which the connection is of no use."""
        connection.close()

    def _connection(self) -> Any:
        oldest_s = time.monotonic() - _IDLE_LIMIT_S
        for _ in range(2):  # A few each time: closing a thousand at once would delay the next arrivals.
            if self._idle and self._idle[0][1] < oldest_s:
                self._idle.popleft()[0].close()
        while self._idle:
            connection, idle_since_s = self._idle.pop()
            if idle_since_s >= oldest_s and _is_open(connection):
                return connection
            connection.close()
        return self._connect()

    def _connect(self) -> Any:
        refusal: OSError | None = None
        for family, kind, protocol, _, address in self._addresses:
            connection = gevent.socket.socket(family, kind, protocol)
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.connect(address)
            except OSError as error:
                connection.close()
                refusal = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise refusal or OSError("no address")


def _is_open(connection: Any) -> bool:
    """An idle connection has nothing to read; if it has, the server closed it or broke the protocol."""
    connection.settimeout(0.0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        connection.settimeout(None)
        return True
    except OSError:
        return False
    return False


def _read(response: HTTPSocketPoolResponse) -> bytes:
    body = b""
    while len(body) <= MAX_BODY_BYTES:
        piece = response.read(_CHUNK_BYTES)
        if not piece:
            return body
        body += piece
    with contextlib.suppress(OSError):
        response.release()
    raise HTTPParseError(f"body larger than {MAX_BODY_BYTES} bytes")
