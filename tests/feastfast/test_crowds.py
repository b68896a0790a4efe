"""A crowd at the door of one service is that crowd's own wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from pathlib import Path

    from tests.feastfast.system import Start

PASSWORD = "correct-horse-battery"
CROWD = 400
"""Whose hashes, two at a time, take longer than the gateway waits for an answer."""


async def test_a_flood_of_sign_ins_does_not_shut_the_way_to_users_for_who_comes_after(tmp_path: Path, start: Start) -> None:
    everybody_at_once = aiohttp.TCPConnector(limit=0)
    async with (
        start(tmp_path, services=("gateway", "users")) as system,
        aiohttp.ClientSession(connector=everybody_at_once) as session,
    ):
        url = f"http://127.0.0.1:{system.replicas['gateway/1'].port}/v1/sessions"

        async def sign_in(number: int) -> tuple[int, str | None]:
            body = {"email": f"customer-{number:04}@feastfast.example", "password": PASSWORD}
            async with session.post(url, json=body) as answer:
                return answer.status, answer.headers.get("Retry-After")

        answers = await asyncio.gather(*(sign_in(number) for number in range(1, CROWD + 1)))
        assert set(answers) == {(201, None), (503, "1")}

        async def who_comes_again_gets_in() -> bool:
            return await sign_in(CROWD + 1) == (201, None)

        # While the crowd is in the window of the gateway's throttle, that lets few through; it says when to come again.
        await system.eventually(who_comes_again_gets_in)
