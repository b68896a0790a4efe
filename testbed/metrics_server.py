"""Serves the supervisor's own metrics on 127.0.0.1; a few lines instead of a web framework's megabytes in the supervisor."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from testbed.ports import HOST

PATH: Final = "/metrics"
_MAX_CONNECTIONS: Final = 8
_MAX_REQUEST_BYTES: Final = 16_384
_READ_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True)
class Scrape:
    """The answer to one scrape."""

    content_type: str
    body: bytes


class MetricsServer:
    """One answer a connection.

    Args:
        scrape: Makes it, in the event loop.
    """

    def __init__(self, scrape: Callable[[], Scrape]) -> None:
        self._scrape = scrape
        self._server: asyncio.Server | None = None
        self._connections = 0

    async def open(self) -> int:
        """Starts to listen on a free port and returns it. Raises OSError."""
        self._server = await asyncio.start_server(self._connected, HOST, 0, limit=_MAX_REQUEST_BYTES)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Stops listening."""
        if self._server is not None:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= _MAX_CONNECTIONS:
                async with asyncio.timeout(_READ_TIMEOUT_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head))
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Gone, silent, or no HTTP.
        finally:
            self._connections -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _space, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0].decode(errors="replace")
        if method != b"GET" or path != PATH:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        scrape = self._scrape()
        lines = ("HTTP/1.1 200 OK", f"Content-Type: {scrape.content_type}", f"Content-Length: {len(scrape.body)}")
        return "\r\n".join((*lines, "Connection: close", "", "")).encode() + scrape.body
