"""A provider that contracts are held against: the real application on a fresh database, asked without a socket in between."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Protocol

import jsonschema_rs
from starlette.types import ASGIApp

from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.migrations.revisions import Revisions
from services.kit.migrations.runner import migrate
from services.kit.settings import Settings
from services.topology import load_topology
from tests.contracts.documents import Json
from tests.contracts.interaction import Contract, Interaction
from tests.contracts.schemas import Fit, Way
from tests.services.asgi import ask

TOKEN = "internal-token-of-tests"


class Answered(Protocol):
    """An answer, however it came."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Provider(Protocol):
    """Something that is asked as other services ask it."""

    async def ask(self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None) -> Answered:
        """Sends one request."""
        ...


class InProcess:
    """An application in this process."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def ask(self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None) -> Answered:
        content = b"" if body is None else json.dumps(body).encode()
        sent = {INTERNAL_TOKEN_HEADER: TOKEN, "Content-Type": "application/json"} | dict(headers or {})
        return await ask(self._app, path, sent, method, body=content)


@asynccontextmanager
async def running(service: str, folder: Path) -> AsyncIterator[ASGIApp]:
    """The application of a service on a new database, started."""
    module = load_topology().services[service].module
    url = f"sqlite+aiosqlite:///{folder / service}.sqlite"
    revisions = Revisions.of(service, module)
    if revisions:
        await migrate(url, revisions)
    settings = Settings(service=service, database_url=url, registry=folder / "registry.json", internal_token=TOKEN)
    app = import_module(module).create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


async def replay(provider: Provider, interaction: Interaction, real_id: str | None = None) -> list[str]:
    """Asks what the consumer asks, and says what it would miss in the answer.

    Args:
        provider: In the state that `interaction.given` names.
        interaction: Of a contract.
        real_id: What the provider calls the order of the path, if it chose the id itself.
    """
    asked, needed = interaction.request, interaction.answer
    named = order_in(interaction)
    path = asked.path.replace(named, real_id) if named and real_id else asked.path
    answer = await provider.ask(asked.method, path, asked.body, asked.headers)
    where = f"{interaction.what}, given {interaction.given}"
    if answer.status != needed.status:
        return [f"{where}: answers {answer.status}, not {needed.status}: {answer.body[:300].decode(errors='replace')}"]
    headers = {name.lower(): value for name, value in answer.headers.items()}
    found = [
        f"{where}: the header {name} is {headers.get(name.lower(), 'missing')}, not {value}"
        for name, value in needed.headers.items()
        if headers.get(name.lower()) != value
    ]
    if needed.reads is not None:
        errors = jsonschema_rs.validator_for(needed.reads).iter_errors(json.loads(answer.body))
        found += [f"{where}: {'.'.join(map(str, error.instance_path)) or 'body'}: {error.message}" for error in errors]
    return found


def order_in(interaction: Interaction) -> str:
    """The order's id in the path of a request, or the key of one whose path has none."""
    steps = [step.partition("?")[0] for step in interaction.request.path.split("/")]
    found = next((step for step in steps if len(step) == 36), "")
    return found or interaction.request.headers.get("Idempotency-Key", "")


def undocumented(contract: Contract, openapi: Json) -> list[str]:
    """What the consumer needs and the provider's OpenAPI does not promise: routes, statuses, headers, fields."""
    found: list[str] = []
    for interaction in contract.interactions:
        where = f"{interaction.what}, given {interaction.given}"
        operation = _operation(openapi, interaction)
        answer = (operation or {}).get("responses", {}).get(str(interaction.answer.status))
        if operation is None:
            found.append(f"{where}: {interaction.request.method} {interaction.request.path} is no route")
        elif answer is None:
            found.append(f"{where}: {interaction.answer.status} is not documented")
        else:
            headers = answer.get("headers", {})
            found += [
                f"{where}: the header {name} is not documented" for name in interaction.answer.headers if name not in headers
            ]
            if interaction.answer.reads is not None:
                (content,) = answer["content"].values()
                wanted = interaction.answer.reads
                found += Fit(openapi, wanted, Way.READ).misfits(content["schema"], wanted, where)
    return found


def _operation(openapi: Json, interaction: Interaction) -> Json | None:
    asked = interaction.request.path.partition("?")[0].split("/")
    for path, operations in openapi["paths"].items():
        steps = path.split("/")
        if len(steps) == len(asked) and all(a == b or b.startswith("{") for a, b in zip(asked, steps, strict=True)):
            return operations.get(interaction.request.method.lower())
    return None
