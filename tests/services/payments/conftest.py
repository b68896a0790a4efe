"""Payments over a real database: the store, its replicas, and the application with its routes."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.trace import NoOpTracer
from starlette.types import Message

from services.kit.database import Database
from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.settings import Settings
from services.payments.main import create_app
from services.payments.store import PaymentStore

TOKEN = "internal-token-of-tests"


@dataclass(frozen=True)
class Answer:
    """What the application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The detail of a problem, which says of itself what it is."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        detail: str = self.json["detail"]
        return detail


@dataclass(frozen=True)
class Till:
    """The application, asked as orders asks it."""

    app: FastAPI
    order_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    async def put(self, what: str, body: object = None, order_id: str = "", **headers: str) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return await self._ask("PUT", f"/internal/payments/{order_id or self.order_id}/{what}", content, headers)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._ask("GET", f"/internal/{path}", b"", headers)

    async def authorise(self, amount_cents: object = 1_500, customer_id: object = 7, order_id: str = "") -> Answer:
        return await self.put("authorisation", {"customer_id": customer_id, "amount_cents": amount_cents}, order_id)

    async def _ask(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        path, _, query = path.partition("?")
        waiting: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            if not waiting:
                await asyncio.Event().wait()  # A client that stays on the line says nothing more.
            return waiting.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        named = {INTERNAL_TOKEN_HEADER: TOKEN, "Content-Type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in named.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": raw}
        await self.app(
            scope | {"root_path": "", "scheme": "http", "server": ("127.0.0.1", 1), "http_version": "1.1"}, receive, send
        )
        answered = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture
async def till(tmp_path: Path) -> AsyncIterator[Till]:
    """Payments whose acquirer takes as long as the map says."""
    app = create_app(
        Settings(
            service="payments", database_url=f"sqlite+aiosqlite:///{tmp_path / 'payments.sqlite'}", internal_token=TOKEN
        )
    )
    async with app.router.lifespan_context(app):
        yield Till(app)


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[tuple[PaymentStore, PaymentStore]]:
    """Two replicas over one database."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'payments.sqlite'}"
    databases = [Database(url, NoOpTracer(), "payments") for _ in range(2)]
    stores = PaymentStore(databases[0]), PaymentStore(databases[1])
    await stores[0].prepare()
    yield stores
    for database in databases:
        await database.close()


@pytest.fixture
def store(replicas: tuple[PaymentStore, PaymentStore]) -> PaymentStore:
    return replicas[0]


@pytest.fixture
def new_order() -> Callable[[], str]:
    return lambda: str(uuid.uuid4())
