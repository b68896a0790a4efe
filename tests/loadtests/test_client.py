from http.client import HTTPException
from typing import Any

import gevent
import pytest

from loadtests.client import Client, Host

RawServer = Any  # The fixture of conftest.py.


@pytest.fixture
def client(raw_server: RawServer) -> Client:
    return Client(Host("127.0.0.1", raw_server.port))


def test_a_request_goes_out_as_http_with_its_headers_and_body(client: Client, raw_server: RawServer) -> None:
    answer = client.send("POST", "/v1/orders", {"Idempotency-Key": "k"}, b'{"a":1}')
    client.close()
    assert (answer.status, answer.degraded, answer.body) == (200, False, b"{}")
    head, _, body = raw_server.requests[0].partition(b"\r\n\r\n")
    assert head.decode().split("\r\n") == [
        "POST /v1/orders HTTP/1.1",
        f"Host: 127.0.0.1:{raw_server.port}",
        "Content-Length: 7",
        "Idempotency-Key: k",
    ]
    assert body == b'{"a":1}'


def test_connections_are_kept_and_used_again(client: Client, raw_server: RawServer) -> None:
    for _ in range(5):
        client.send("GET", "/", {})
    client.close()
    assert (raw_server.connections, len(raw_server.requests)) == (1, 5)


def test_requests_at_once_have_a_connection_each(client: Client, raw_server: RawServer) -> None:
    gevent.joinall([gevent.spawn(client.send, "GET", "/", {}) for _ in range(50)], raise_error=True)
    client.close()
    assert raw_server.connections == 50


def test_a_degraded_answer_is_known_by_its_header(client: Client, raw_server: RawServer) -> None:
    raw_server.reply = b"HTTP/1.1 200 OK\r\nDEGRADED: static\r\nContent-Length: 2\r\n\r\n{}"
    assert client.send("GET", "/", {}).degraded
    client.close()


def test_a_request_whose_connection_is_cut_is_never_sent_again(client: Client, raw_server: RawServer) -> None:
    raw_server.reply, raw_server.closing = b"", True
    with pytest.raises(HTTPException, match="connection closed"):
        client.send("GET", "/", {})
    client.close()
    assert len(raw_server.requests) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(client: Client, raw_server: RawServer) -> None:
    raw_server.closing = True
    client.send("GET", "/", {})
    gevent.sleep(0.01)  # Lets the server's end of the connection arrive.
    assert client.send("GET", "/", {}).status == 200
    client.close()
    assert raw_server.connections == 2


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nConte",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_an_answer_that_is_no_whole_http_is_an_error(client: Client, raw_server: RawServer, reply: bytes) -> None:
    raw_server.reply, raw_server.closing = reply, True
    with pytest.raises(HTTPException):
        client.send("GET", "/", {})
    client.close()


def test_a_body_beyond_the_bound_is_an_error(client: Client, raw_server: RawServer) -> None:
    raw_server.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    with pytest.raises(HTTPException, match="body larger than 1000000 bytes"):
        client.send("GET", "/", {})
    client.close()


def test_giving_up_closes_the_connection_so_that_a_late_answer_reaches_nobody(client: Client, raw_server: RawServer) -> None:
    raw_server.reply = b""
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        client.send("GET", "/", {})
    raw_server.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    assert client.send("GET", "/", {}).body == b"{}"
    client.close()
    assert raw_server.connections == 2


def test_a_host_where_nobody_listens_is_an_error() -> None:
    with pytest.raises(ConnectionRefusedError):
        Client(Host("127.0.0.1", 1)).send("GET", "/", {})


@pytest.mark.parametrize(
    ("url", "text"),
    [("http://a", "a:80"), ("http://a:81/", "a:81"), ("http://[::1]:8080", "[::1]:8080")],
)
def test_a_base_url_gives_host_and_port(url: str, text: str) -> None:
    assert str(Host.parse(url)) == text
