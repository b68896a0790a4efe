"""A collector with which something is wrong: it answers each request late, or takes connections and never answers.

python -m benchmarks._bad_collector PORT slow|silent
"""

import asyncio
import sys
from typing import Final, cast

import httptools
import uvloop

LATE_S: Final = 0.5


class Connection(asyncio.Protocol):
    """Reads what comes; answers 200, LATE_S later, or not."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one without being asyncio's own class.
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """A request is complete."""
        if self._answers:
            asyncio.get_running_loop().call_later(LATE_S, self._transport.write, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


async def _serve(port: int, *, answers: bool) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(answers=answers), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), answers=sys.argv[2] == "slow"))
