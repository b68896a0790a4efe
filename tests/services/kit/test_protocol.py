"""What never becomes a request is bounded and answered with a problem."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from services.kit.head import MAX_HEAD_BYTES
from services.kit.protocol import BoundedProtocol


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    @property
    def status(self) -> int:
        return int(self.written.split(b" ", 2)[1])

    @property
    def problem(self) -> Any:
        head, body = self.written.split(b"\r\n\r\n", 1)
        assert b"content-type: application/problem+json" in head
        assert f"content-length: {len(body)}".encode() in head
        return json.loads(body)


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def connection(wire: Wire) -> BoundedProtocol:
    config = Config(application, http=BoundedProtocol, ws="none", lifespan="off", log_config=None, access_log=False)
    protocol = BoundedProtocol(config, ServerState(), {})
    protocol.connection_made(wire)
    return protocol


async def answered(connection: BoundedProtocol) -> None:
    await asyncio.gather(*connection.tasks)


async def test_a_request_in_pieces_is_served(connection: BoundedProtocol, wire: Wire) -> None:
    for piece in (b"GET / HT", b"TP/1.1\r\nHost: te", b"st\r\n\r\n"):
        connection.data_received(piece)
    await answered(connection)
    assert (wire.status, wire.closed) == (204, False)


async def test_a_head_without_an_end_is_cut_at_the_bound(connection: BoundedProtocol, wire: Wire) -> None:
    connection.data_received(b"GET / HTTP/1.1\r\n")
    for _ in range(MAX_HEAD_BYTES // 1_024):
        connection.data_received(b"a: " + b"b" * 1_019 + b"\r\n")
    assert not wire.written
    connection.data_received(b"a")
    assert (wire.status, wire.closed) == (431, True)
    assert wire.problem["detail"] == "the headers have more than 16384 bytes"


async def test_one_header_without_an_end_is_cut_as_well(connection: BoundedProtocol, wire: Wire) -> None:
    connection.data_received(b"GET / HTTP/1.1\r\na: ")
    for _ in range(17):
        connection.data_received(b"b" * 1_024)
    assert (wire.status, wire.closed) == (431, True)


async def test_a_long_body_is_no_part_of_the_next_requests_head(connection: BoundedProtocol, wire: Wire) -> None:
    connection.data_received(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\n")
    await answered(connection)
    connection.data_received(b"x" * 60_000 + b"GET / HTTP/1.1\r\nHost: ")
    connection.data_received(b"test\r\n\r\n")
    await answered(connection)
    assert wire.written.count(b"204") == 2


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: test\r\n\r\n", b"\x00" * 20])
async def test_what_is_no_http_is_a_problem(connection: BoundedProtocol, wire: Wire, request_: bytes) -> None:
    connection.data_received(request_)
    assert (wire.status, wire.closed) == (400, True)
    assert wire.problem["detail"] == "Invalid HTTP request received."


async def test_two_lengths_of_one_body_are_a_problem(connection: BoundedProtocol, wire: Wire) -> None:
    connection.data_received(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")
    assert wire.status == 400


async def test_no_refusal_stands_in_the_middle_of_another_answer(connection: BoundedProtocol, wire: Wire) -> None:
    connection.data_received(b"GET / HTTP/1.1\r\nHost: test\r\n\r\nnonsense\r\n\r\n")
    assert (wire.written, wire.closed) == (b"", True)
    await answered(connection)
