"""Asks an ASGI application without a server or a socket in between."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class Answer:
    """What an application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: ASGIApp,
    path: str,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    method: str = "GET",
    raises: type[Exception] | None = None,
    body: bytes = b"",
    client: str = "127.0.0.1",
) -> Answer:
    """Sends one request to an ASGI application, which may answer and raise `raises` all the same."""
    path, _, query = path.partition("?")
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()  # A client that stays on the line says nothing more.
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    named = headers.items() if isinstance(headers, Mapping) else headers or []
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in named]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": raw, "root_path": ""}
    with pytest.raises(raises) if raises else nullcontext():
        transport = {"scheme": "http", "server": ("127.0.0.1", 1), "client": (client, 2), "http_version": "1.1"}
        await app(scope | transport, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:]))
