"""A head is of a bounded size and contradicts itself nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from services.kit.head import MAX_HEAD_BYTES, MAX_HEADERS, HeadMiddleware

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools


@pytest.fixture
def application() -> FastAPI:
    app = FastAPI()

    @app.get("/do")
    async def do() -> str:
        return "done"

    app.add_middleware(HeadMiddleware)
    return app


async def test_as_many_headers_as_allowed_pass(tools: Tools, application: FastAPI) -> None:
    assert (await tools.ask(application, "/do", [("a", "b")] * MAX_HEADERS)).status == 200


async def test_one_more_does_not(tools: Tools, application: FastAPI) -> None:
    answer = await tools.ask(application, "/do", [("a", "b")] * (MAX_HEADERS + 1))
    assert (answer.status, answer.headers["content-type"]) == (431, "application/problem+json")
    assert answer.json["detail"] == "there are more than 100 headers"


async def test_headers_of_just_the_bound_pass(tools: Tools, application: FastAPI) -> None:
    assert (await tools.ask(application, "/do", {"a": "b" * (MAX_HEAD_BYTES - 1)})).status == 200


@pytest.mark.parametrize(("path", "headers"), [("/do", {"a": "b" * MAX_HEAD_BYTES}), ("/do?" + "q" * (MAX_HEAD_BYTES + 1), {})])
async def test_a_head_over_the_bound_is_refused_wherever_it_is_long(
    tools: Tools, application: FastAPI, path: str, headers: dict[str, str]
) -> None:
    answer = await tools.ask(application, path, headers)
    assert (answer.status, answer.json["detail"]) == (431, "path, query and headers have more than 16384 bytes")


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Idempotency-Key", "Host", "X-Request-Id", "Content-Length"])
async def test_a_header_that_says_one_thing_stands_once(tools: Tools, application: FastAPI, name: str) -> None:
    answer = await tools.ask(application, "/do", [(name, "1"), (name, "1")])
    assert (answer.status, answer.json["detail"]) == (400, f"the header {name.lower()} stands twice")


async def test_a_header_that_is_a_list_may_stand_twice(tools: Tools, application: FastAPI) -> None:
    assert (await tools.ask(application, "/do", [("Accept", "a/b"), ("Accept", "c/d")])).status == 200
