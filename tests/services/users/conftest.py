"""Users as a running application over a file, and hashing that takes no time."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from services.kit.internal import INTERNAL_TOKEN_HEADER
from services.kit.settings import Settings
from services.users.api import Users
from services.users.main import create_app
from services.users.passwords import Passwords
from tests.services.asgi import Answer, ask
from tests.services.databases import migrated_file

ADA: dict[str, object] = {"email": "ada@feastfast.example", "password": "long-enough"}
TOKEN = "internal-token-of-tests"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@dataclass(frozen=True)
class Desk:
    """Where customers sign up and in."""

    app: FastAPI

    async def post(self, path: str, body: object) -> Answer:
        headers = {"Content-Type": "application/json", INTERNAL_TOKEN_HEADER: TOKEN}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await ask(self.app, path, headers, "POST", body=content)

    async def sign_up(self, **changed: object) -> Answer:
        return await self.post("/internal/customers", ADA | {"name": "Ada"} | changed)

    async def sign_in(self, **changed: object) -> Answer:
        return await self.post("/internal/sign-in", ADA | changed)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A fresh system's, with its seed."""
    url = await migrated_file("users", tmp_path / "users.sqlite")
    app = create_app(Settings(service="users", database_url=url, internal_token=TOKEN))
    async with app.router.lifespan_context(app):
        app.state.service = Users(app.state.service.store, QUICK)
        yield Desk(app)
