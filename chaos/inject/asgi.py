"""The ASGI interface as types, and the two things said over it here: a short answer and a bounded read."""

from collections.abc import Awaitable, Callable, MutableMapping
from http.client import responses
from typing import Any

from pydantic import BaseModel

Scope = MutableMapping[str, Any]  # The specification's own types: messages are open dictionaries.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class BodyTooLargeError(Exception):
    """The request's body is over the bound; the rest of it was not read."""


class CallerGoneError(Exception):
    """The caller went away before its request was complete."""


async def answer(send: Send, status: int, body: bytes, content_type: bytes, headers: tuple[Header, ...] = ()) -> None:
    """Sends one complete answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type), length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, model: BaseModel) -> None:
    """Sends a model as JSON."""
    await answer(send, status, model.model_dump_json().encode(), b"application/json")


async def answer_problem(send: Send, status: int, detail: str, headers: tuple[Header, ...] = ()) -> None:
    """Sends problem details; `status` may be one that HTTP has no name for."""
    problem = Problem(title=responses.get(status, "Error"), status=status, detail=detail)
    await answer(send, status, problem.model_dump_json().encode(), b"application/problem+json", headers)


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """The request's body. Raises BodyTooLargeError or CallerGoneError."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise BodyTooLargeError(f"body is larger than {max_bytes} bytes")
        more = message.get("more_body", False)
    return bytes(body)
