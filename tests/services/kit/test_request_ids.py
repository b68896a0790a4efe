"""Every request has one id: in its answer, in its logs and in the calls that it makes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from observability import request_id
from services.kit.answers import install_error_mapping
from services.kit.request_ids import RequestIdMiddleware

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools, Watched


@pytest.fixture
def application() -> FastAPI:
    app = FastAPI()
    install_error_mapping(app)

    @app.get("/id")
    async def told() -> str:
        return request_id.current.get()

    @app.get("/bug")
    async def bug() -> str:
        raise RuntimeError

    app.add_middleware(RequestIdMiddleware)
    return app


async def test_a_sane_id_is_kept_and_given_back(tools: Tools, application: FastAPI) -> None:
    answer = await tools.ask(application, "/id", {"X-Request-Id": "check-out_7.b"})
    assert (answer.json, answer.headers["x-request-id"]) == ("check-out_7.b", "check-out_7.b")


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", 'x"}', "\xe9", "a\tb", "../id"])
async def test_an_id_that_is_no_word_for_a_log_is_replaced(tools: Tools, application: FastAPI, given: str) -> None:
    answer = await tools.ask(application, "/id", {"X-Request-Id": given})
    assert answer.headers["x-request-id"] == answer.json != given
    assert len(answer.json) == 32


async def test_two_requests_without_one_have_two(tools: Tools, application: FastAPI) -> None:
    first, second = [await tools.ask(application, "/id") for _ in range(2)]
    assert first.json != second.json


async def test_a_traced_request_is_called_by_its_trace(tools: Tools, application: FastAPI, watched: Watched) -> None:
    with watched.telemetry.tracer.start_as_current_span("request") as span:
        answer = await tools.ask(application, "/id")
    assert answer.json == f"{span.get_span_context().trace_id:032x}"


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/bug", 500)])
async def test_a_problem_has_its_id_too_and_once(tools: Tools, application: FastAPI, path: str, status: int) -> None:
    answer = await tools.ask(application, path, {"X-Request-Id": "mine"}, raises=RuntimeError if status == 500 else None)
    assert (answer.status, answer.headers["x-request-id"]) == (status, "mine")


@pytest.mark.parametrize(("current", "marked"), [("mine", "mine"), ("", None)])
def test_a_record_of_a_request_is_marked_with_it(current: str, marked: str | None) -> None:
    token = request_id.current.set(current)
    try:
        record = logging.makeLogRecord({})
        assert request_id.mark(record)
    finally:
        request_id.current.reset(token)
    assert getattr(record, "request_id", None) == marked
