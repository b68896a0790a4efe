"""The gateway as a running application, before services that answer as a test says."""

import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from services.gateway.asking import Gateway, Limits
from services.gateway.main import create_app
from services.kit.caller import Caller
from services.kit.errors import CallError, ShedError, TooManyRequestsError
from services.kit.message import Outgoing, Reply
from services.kit.settings import Settings
from services.policy import Timeout
from services.registry import Instance, InstanceState
from services.topology import load_topology
from tests.services.asgi import Answer, ask

SIGNING_KEY = "signing-key-of-tests-32-characters"
ORDER_ID = "00000000-0000-4000-8000-000000000001"
CUSTOMER_PER_S, ADDRESS_PER_S = 20, 30
Step = Reply | CallError


class HandClock:
    """Monotonic seconds that pass when told."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Backends:
    """Answers each route as told, the last thing told for ever, and keeps what was asked. A resolver as well."""

    replies: dict[str, list[Step]] = field(default_factory=dict)
    asked: list[Outgoing] = field(default_factory=list)

    def answer(self, route: str, body: object, status: int = 200, degraded: str | None = None) -> None:
        """`route`: method and path with its parameters unfilled."""
        self.replies.setdefault(route, []).append(Reply(status, json.dumps(body).encode(), degraded))

    def refuse(self, route: str, status: int, detail: str) -> None:
        self.answer(route, {"detail": detail}, status)

    def fail(self, route: str, error: CallError) -> None:
        self.replies[route] = [error]

    def resolve(self, service: str) -> tuple[Instance, ...]:
        return (Instance(service=service, replica=1, host="127.0.0.1", port=9_000, pid=1, state=InstanceState.UP),)

    async def send(
        self, edge: str, instance: Instance, outgoing: Outgoing, headers: Mapping[str, str], limits: Timeout | None
    ) -> Reply:
        self.asked.append(replace(outgoing, headers=dict(headers)))
        steps = self.replies[f"{outgoing.method} {outgoing.route}"]
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, CallError):
            raise step
        if step.status == TooManyRequestsError.status:
            raise ShedError(edge, step.detail)  # As the real one does.
        return step


@dataclass(frozen=True)
class Door:
    """Where customers come in."""

    app: FastAPI
    backends: Backends
    clock: HandClock
    document: dict[str, Any]
    """OpenAPI's."""

    async def ask(
        self, method: str, path: str, body: object = None, *, customer: int | None = 7, client: str = "10.0.0.1", **headers: str
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if customer is not None and "Authorization" not in named:
            gateway: Gateway = self.app.state.service
            named["Authorization"] = f"Bearer {gateway.tokens.issue(customer)}"
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None:
            named = {"Content-Type": "application/json"} | named
        return await ask(self.app, path, named, method, body=content, client=client)


@pytest.fixture
def backends() -> Backends:
    return Backends()


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """Made once: it takes longer than most tests."""
    return create_app(Settings(service="gateway", signing_key=SIGNING_KEY)).openapi()


@pytest.fixture
async def door(tmp_path: Path, backends: Backends, document: dict[str, Any]) -> AsyncIterator[Door]:
    app = create_app(
        Settings(
            service="gateway",
            signing_key=SIGNING_KEY,
            registry=tmp_path / "registry.json",
            rate_limit_user=CUSTOMER_PER_S,
            rate_limit_address=ADDRESS_PER_S,
        )
    )
    clock = HandClock()
    async with app.router.lifespan_context(app):
        kit = app.state.kit
        topology = load_topology()
        policies = {callee: topology.edges[f"gateway->{callee}"] for callee in topology.callees("gateway")}
        caller = Caller("gateway", policies, backends, backends, kit.telemetry, random.Random(7))
        made = app.state.service
        app.state.service = Gateway.of(made.tokens, Limits.of(app.state.settings, clock), made.desk, caller)
        yield Door(app, backends, clock, document)
