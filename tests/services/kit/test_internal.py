"""Internal routes are for services of the same run."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import pytest
from fastapi import Depends, FastAPI

from services.kit.answers import install_error_mapping
from services.kit.internal import INTERNAL_TOKEN_HEADER, require_internal_token
from services.kit.settings import Settings

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools


def application(token: str) -> FastAPI:
    app = FastAPI()
    app.state.settings = Settings(service="bank", internal_token=token)
    install_error_mapping(app)

    @app.get("/internal", dependencies=[Depends(require_internal_token)])
    async def internal() -> str:
        return "welcome"

    return app


async def test_the_token_of_the_run_opens_the_door(tools: Tools) -> None:
    assert (await tools.ask(application("s3cret"), "/internal", {INTERNAL_TOKEN_HEADER: "s3cret"})).status == 200


@pytest.mark.parametrize("token", ["", "s3cre", "s3crets", "S3CRET", "\xe9"])
async def test_any_other_token_does_not(tools: Tools, token: str) -> None:
    answer = await tools.ask(application("s3cret"), "/internal", {INTERNAL_TOKEN_HEADER: token})
    assert (answer.status, answer.json["detail"]) == (403, "X-Internal-Token is missing or wrong")


async def test_without_a_token_it_stays_shut(tools: Tools) -> None:
    assert (await tools.ask(application("s3cret"), "/internal")).status == 403


async def test_a_service_that_was_given_no_token_lets_nobody_in(tools: Tools) -> None:
    assert (await tools.ask(application(""), "/internal", {INTERNAL_TOKEN_HEADER: ""})).status == 403


async def test_tokens_are_compared_in_constant_time(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda given, expected: compared.append((given, expected)))
    await tools.ask(application("s3cret"), "/internal", {INTERNAL_TOKEN_HEADER: "guess"})
    assert compared == [(b"guess", b"s3cret")]
