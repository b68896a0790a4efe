"""Every failure becomes one problem+json with the trace id, and nothing of the inside shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI, Query
from starlette.exceptions import HTTPException

from services.kit.answers import install_error_mapping, problem_response
from services.kit.errors import (
    AttemptTimeoutError,
    BreakerOpenError,
    ConflictError,
    DeadlineExceededError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    RemoteError,
    ServiceError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnreachableError,
)

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools, Watched

EDGE = "shop->bank"


class Application(FastAPI):
    """One route that raises what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        install_error_mapping(self)

        @self.get("/do")
        async def do(times: int = Query(default=1, ge=1)) -> int:
            if self.error:
                raise self.error
            return times


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (NotFoundError("no such account"), 404, "Not Found"),
        (ConflictError("closed already"), 409, "Conflict"),
        (RefusedError("not enough money"), 422, "Unprocessable Entity"),
        (UnauthenticatedError("who are you"), 401, "Unauthorized"),
        (ForbiddenError("not of this run"), 403, "Forbidden"),
        (TooManyRequestsError("too many", 3), 429, "Too Many Requests"),
        (UnreachableError(EDGE, "no instance is up"), 503, "Service Unavailable"),
        (AttemptTimeoutError(EDGE, "no answer"), 504, "Gateway Timeout"),
        (DeadlineExceededError(EDGE, "too long"), 504, "Gateway Timeout"),
        (BreakerOpenError(EDGE, "breaker is open"), 503, "Service Unavailable"),
        (RemoteError(EDGE, 500, "bug"), 502, "Bad Gateway"),
        (ServiceError("anything else"), 500, "Internal Server Error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_every_error_of_the_tree_has_its_status(
    application: Application, tools: Tools, error: ServiceError, status: int, title: str
) -> None:
    application.error = error
    answer = await tools.ask(application, "/do")
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": error.detail,
        "trace_id": "0" * 32,
    }


@pytest.mark.parametrize(
    "error", [UnreachableError(EDGE, "x"), RemoteError(EDGE, 500, "x"), BreakerOpenError(EDGE, "x")], ids=repr
)
def test_a_failed_call_names_its_edge(error: ServiceError) -> None:
    assert error.detail.startswith("shop->bank: ")


async def test_who_is_asked_to_sign_in_is_told_how(application: Application, tools: Tools) -> None:
    application.error = UnauthenticatedError("who are you")
    assert (await tools.ask(application, "/do")).headers["www-authenticate"] == "Bearer"


async def test_who_asks_too_much_is_told_when_to_come_again(application: Application, tools: Tools) -> None:
    application.error = TooManyRequestsError("too many", 3)
    assert (await tools.ask(application, "/do")).headers["retry-after"] == "3"


async def test_a_detail_that_is_no_text_of_unicode_is_shown_all_the_same(application: Application, tools: Tools) -> None:
    application.error = NotFoundError("no such account: \ud800")
    answer = await tools.ask(application, "/do")
    assert (answer.status, answer.json["detail"]) == (404, "no such account: ?")


async def test_bad_input_is_named_by_its_place(application: Application, tools: Tools) -> None:
    answer = await tools.ask(application, "/do?times=0")
    assert (answer.status, answer.json["detail"]) == (422, "query.times: Input should be greater than or equal to 1")


async def test_an_unknown_path_is_a_problem_too(application: Application, tools: Tools) -> None:
    answer = await tools.ask(application, "/nowhere")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_wrong_method_says_which_ones_there_are(application: Application, tools: Tools) -> None:
    answer = await tools.ask(application, "/do", method="DELETE")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


async def test_a_wrong_method_names_those_of_all_routes_of_the_path(application: Application, tools: Tools) -> None:
    @application.put("/do")
    async def change() -> None: ...

    answer = await tools.ask(application, "/do", method="DELETE")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, PUT")


async def test_an_http_error_of_the_framework_keeps_its_headers(application: Application, tools: Tools) -> None:
    application.error = HTTPException(429, "slow down", {"retry-after": "3"})
    answer = await tools.ask(application, "/do")
    assert (answer.status, answer.json["detail"], answer.headers["retry-after"]) == (429, "slow down", "3")


async def test_an_unforeseen_error_shows_nothing_of_the_inside(application: Application, tools: Tools) -> None:
    application.error = RuntimeError("password=hunter2")
    answer = await tools.ask(application, "/do", raises=RuntimeError)
    assert answer.status == 500
    assert b"hunter2" not in answer.body
    assert answer.json["detail"] == "an unforeseen error; the trace id leads to its log"


def test_a_problem_carries_the_current_trace(watched: Watched) -> None:
    with watched.telemetry.tracer.start_as_current_span("request") as span:
        response = problem_response(404, "no such account")
    assert json.loads(bytes(response.body))["trace_id"] == f"{span.get_span_context().trace_id:032x}"


def test_a_detail_is_bounded() -> None:
    assert len(json.loads(bytes(problem_response(500, "x" * 10_000).body))["detail"]) == 500


def test_a_status_without_a_name_has_a_title_all_the_same() -> None:
    assert json.loads(bytes(problem_response(599, "odd").body))["title"] == "Error"
