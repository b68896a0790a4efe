"""A request as tests ask it, without a server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    query: bytes = b""
    body: bytes = b""
    scope: dict[str, Any] = field(default_factory=dict)


def from_caller(flags: str, **others: str) -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{PARENT}-{flags}", **others}


async def send_to(app: FastAPI, asked: Asked) -> None:
    waiting: list[dict[str, object]] = [{"type": "http.request", "body": asked.body, "more_body": False}]

    async def receive() -> dict[str, object]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop()

    async def send(message: object) -> None:
        await asyncio.sleep(0)

    scope = {
        "type": "http",
        "method": asked.method,
        "path": asked.path,
        "query_string": asked.query,
        "headers": [(name.encode(), value.encode()) for name, value in asked.headers.items()],
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 8_001),
        "client": ("127.0.0.1", 40_001),
        "http_version": "1.1",
    }
    await app(scope | asked.scope, receive, send)
