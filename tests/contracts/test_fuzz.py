"""No request, however strange, makes a service answer what its OpenAPI does not say: schemathesis asks, with all services up.

`make fuzz` asks more: FUZZ_EXAMPLES requests an operation and phase, from the seed FUZZ_SEED.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from services.gateway.tokens import Tokens
from services.kit.internal import INTERNAL_TOKEN_HEADER
from tests.contracts.documents import PUBLIC, SERVICES, Json, openapi_of, text_of
from tests.feastfast.system import INTERNAL_TOKEN, SIGNING_KEY, FeastFast, running

if TYPE_CHECKING:
    from services.kit.settings import Settings

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES, SEED = os.environ.get("FUZZ_EXAMPLES", "20"), os.environ.get("FUZZ_SEED", "1")
BOUND_S = 30 + 10 * int(EXAMPLES)
CONSTANT = (
    "--phases=examples,coverage,fuzzing,stateful",
    "--generation-database=none",
    "--continue-on-failure",
    "--no-color",
)
CUSTOMER = 7


class Generous(FeastFast):
    """A system whose entry lets one customer ask as often as schemathesis does; its limit has tests of its own."""

    def _settings(self, service: str, replica: int) -> Settings:
        return super()._settings(service, replica).model_copy(update={"rate_limit_user": 1e6, "rate_limit_address": 1e6})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FeastFast]:
    """Everything is up: that a service misses another is not what is looked for."""
    async with running(Generous(tmp_path_factory.mktemp("fuzz"), log_level="error")) as it:
        yield it


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_answers_nothing_that_it_does_not_document(system: FeastFast, service: str, tmp_path: Path) -> None:
    status, output = await fuzz(system, service, openapi_of(service), tmp_path)
    assert status == 0, output[output.find("= FAILURES =") :]


async def test_an_answer_that_is_not_documented_is_found(system: FeastFast, tmp_path: Path) -> None:
    document = openapi_of("users")
    document["paths"] = {"/internal/sign-in": document["paths"]["/internal/sign-in"]}
    del document["paths"]["/internal/sign-in"]["post"]["responses"]["401"]
    status, output = await fuzz(system, "users", document, tmp_path)
    assert status == 1
    assert "Undocumented status code" in output


async def fuzz(system: FeastFast, service: str, document: Json, folder: Path) -> tuple[int | None, str]:
    """Holds a running service to a document; schemathesis' exit code and what it says."""
    path = folder / f"{service}.json"
    path.write_text(text_of(document), encoding="utf-8")
    credentials = f"{INTERNAL_TOKEN_HEADER}: {INTERNAL_TOKEN}"
    if service == PUBLIC:
        credentials = f"Authorization: Bearer {Tokens(SIGNING_KEY).issue(CUSTOMER)}"
    url = f"http://127.0.0.1:{system.replicas[system.names(service)[0]].port}"
    told = ["--url", url, "--header", credentials, "--max-examples", EXAMPLES, "--seed", SEED, *CONSTANT]
    return await _schemathesis(["--config-file", str(CONFIG), "run", str(path), *told], folder)


async def _schemathesis(arguments: list[str], folder: Path) -> tuple[int | None, str]:
    """Runs it in a process of its own, so that it does not share an interpreter with those whom it asks."""
    program = Path(sys.executable).with_name("schemathesis")
    process = await asyncio.create_subprocess_exec(
        program, *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(BOUND_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode(errors="replace")
