"""What tests of payments share: the application asked as orders asks it, and an acquirer that keeps what it is asked."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider

from observability.metrics import Metrics
from observability.telemetry import Telemetry
from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.payments.acquirer import Acquirer
from services.payments.domain import Step
from tests.services.asgi import Answer, ask

TOKEN = "internal-token-of-tests"


def new_order() -> str:
    return str(uuid.uuid4())


def quiet_telemetry() -> Telemetry:
    """Telemetry that nobody collects."""
    return Telemetry(TracerProvider(shutdown_on_exit=False), Metrics(), None)


class ListeningAcquirer(Acquirer):
    """Keeps what it is asked, answers when it may, and fails when told."""

    def __init__(self) -> None:
        super().__init__(None, quiet_telemetry())
        self.asked: list[Step] = []
        self._news = asyncio.Condition()
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def ask(self, step: Step, order_id: str, amount_cents: int) -> None:
        async with self._news:
            self.asked.append(step)
            self._news.notify_all()
        await self.open.wait()
        if self.failure:
            raise self.failure
        await super().ask(step, order_id, amount_cents)

    async def heard(self, count: int) -> None:
        """Returns once it has been asked so often."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.asked) >= count)


def problem(answer: Answer) -> str:
    """The detail of a problem, which says of itself what it is."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["status"] == answer.status
    detail: str = answer.json["detail"]
    return detail


@dataclass(frozen=True)
class Till:
    """The application, asked about one order unless told otherwise."""

    app: FastAPI
    order_id: str = field(default_factory=new_order)

    async def put(self, what: str, body: object = None, order_id: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """`body` is sent as JSON, or as it is when it is bytes."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return await self._ask("PUT", f"/internal/payments/{order_id or self.order_id}/{what}", content, headers or {})

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await self._ask("GET", f"/internal/{path}", b"", headers or {})

    async def authorise(self, amount_cents: object = 1_500, customer_id: object = 7, order_id: str = "") -> Answer:
        return await self.put("authorisation", {"customer_id": customer_id, "amount_cents": amount_cents}, order_id)

    async def _ask(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        named = {INTERNAL_TOKEN_HEADER: TOKEN, "Content-Type": "application/json"} | dict(headers)
        return await ask(self.app, path, named, method, body=content)
