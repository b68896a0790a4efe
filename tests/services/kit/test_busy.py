"""A database that is busy is no defect of the service, and a defect is not called busy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.kit.answers import install_error_mapping
from services.kit.busy import install_busy_mapping, is_database_busy

if TYPE_CHECKING:
    from tests.services.kit.conftest import Tools

LOCKED = sqlite3.OperationalError("database is locked")
MISSING = sqlite3.OperationalError("no such table: things")


def application(error: Exception) -> FastAPI:
    app = FastAPI()
    install_error_mapping(app)
    install_busy_mapping(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    return app


BUSY: list[Callable[[], Exception]] = [
    lambda: LOCKED,
    lambda: OperationalError("INSERT", {}, LOCKED),
    lambda: PoolTimeoutError("QueuePool limit of size 1 reached"),
    lambda: InterfaceError("SELECT", {}, Exception("connection is closed")),
    lambda: OperationalError("SELECT", {}, ConnectionResetError()),
    ConnectionRefusedError,
]
DEFECTS: list[Callable[[], Exception]] = [
    lambda: MISSING,
    lambda: OperationalError("SELECT", {}, MISSING),
    lambda: IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed")),
    lambda: ValueError("no"),
]


@pytest.mark.parametrize("make", BUSY)
def test_what_passes_by_itself_is_busy(make: Callable[[], Exception]) -> None:
    assert is_database_busy(make())


@pytest.mark.parametrize("make", DEFECTS)
def test_what_stays_wrong_is_not_busy(make: Callable[[], Exception]) -> None:
    assert not is_database_busy(make())


async def test_a_busy_database_is_answered_503_with_when_to_come_again(tools: Tools) -> None:
    answer = await tools.ask(application(OperationalError("INSERT", {}, LOCKED)), "/")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert answer.json["detail"] == "the database is busy; try again"


async def test_a_defect_of_the_database_stays_an_unforeseen_error(tools: Tools) -> None:
    with pytest.raises(OperationalError):
        await tools.ask(application(OperationalError("SELECT", {}, MISSING)), "/")
