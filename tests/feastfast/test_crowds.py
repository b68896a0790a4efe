"""A crowd at the door of one service is that crowd's own wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feastfast.conftest import FeastFast, Start

PASSWORD = "correct-horse-battery"
CROWD = 900
"""Whose hashes, two at a time, take longer than the gateway waits for an answer."""


async def sign_in(system: FeastFast, number: int) -> tuple[int, str | None]:
    body = {"email": f"customer-{number:04}@feastfast.example", "password": PASSWORD}
    answer = await system.ask("POST", "/v1/sessions", body)
    return answer.status, answer.headers.get("Retry-After")


async def test_a_flood_of_sign_ins_does_not_shut_the_way_to_users_for_who_comes_after(tmp_path: Path, start: Start) -> None:
    async with start(tmp_path, services=("gateway", "users")) as system:
        answers = await asyncio.gather(*(sign_in(system, number) for number in range(1, CROWD + 1)))
        assert set(answers) == {(201, None), (503, "1")}
        assert await sign_in(system, CROWD + 1) == (201, None)
