"""A body is read one way only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from services.kit.answers import install_error_mapping
from services.kit.strict_json import StrictRoute

if TYPE_CHECKING:
    from tests.services.asgi import Answer
    from tests.services.kit.conftest import Tools


class Amount(BaseModel):
    cents: float
    notes: dict[str, str] = {}


@pytest.fixture
def application() -> FastAPI:
    app = FastAPI()
    install_error_mapping(app)
    router = APIRouter(route_class=StrictRoute)

    @router.post("/pay")
    async def pay(amount: Amount) -> float:
        return amount.cents

    @router.post("/ping")
    async def ping() -> str:
        return "pong"

    app.include_router(router)
    return app


async def pay(tools: Tools, app: FastAPI, body: bytes, content_type: str | None = "application/json") -> Answer:
    headers = {} if content_type is None else {"Content-Type": content_type}
    return await tools.ask(app, "/pay", headers, "POST", body=body)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/money+json"])
async def test_json_that_says_so_is_read(tools: Tools, application: FastAPI, content_type: str) -> None:
    assert (await pay(tools, application, b'{"cents": 5}', content_type)).status == 200


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "json", "text/json"])
async def test_anything_else_is_an_unsupported_media_type(tools: Tools, application: FastAPI, content_type: str | None) -> None:
    answer = await pay(tools, application, b'{"cents": 5}', content_type)
    assert (answer.status, answer.json["detail"]) == (415, "Content-Type must be application/json")


async def test_a_route_without_a_body_needs_no_media_type(tools: Tools, application: FastAPI) -> None:
    assert (await tools.ask(application, "/ping", {}, "POST")).status == 200


@pytest.mark.parametrize("body", [b'{"cents": 5, "cents": 500}', b'{"cents": 5, "notes": {"cents": "", "cents": ""}}'])
async def test_a_key_that_stands_twice_is_refused_wherever_it_stands(tools: Tools, application: FastAPI, body: bytes) -> None:
    answer = await pay(tools, application, body)
    assert (answer.status, answer.json["detail"]) == (422, "body: the key 'cents' stands twice in one object")


async def test_a_key_that_stands_twice_and_is_no_unicode_is_refused_too(tools: Tools, application: FastAPI) -> None:
    assert (await pay(tools, application, b'{"\\ud800": 1, "\\ud800": 2}')).status == 422


async def test_one_key_in_two_objects_is_fine(tools: Tools, application: FastAPI) -> None:
    assert (await pay(tools, application, b'{"cents": 5, "notes": {"cents": "five"}}')).status == 200


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
async def test_a_number_that_json_does_not_have_is_refused(tools: Tools, application: FastAPI, number: bytes) -> None:
    answer = await pay(tools, application, b'{"cents": ' + number + b"}")
    assert (answer.status, answer.json["detail"]) == (422, f"body: {number.decode()} is no JSON")


@pytest.mark.parametrize("body", [b"", b"{", b'{"cents": 5', b"\x80", b'{"cents": ' + b"9" * 5_000 + b"}", b"[" * 60_000])
async def test_what_is_no_json_is_a_problem(tools: Tools, application: FastAPI, body: bytes) -> None:
    answer = await pay(tools, application, body)
    assert answer.status in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
