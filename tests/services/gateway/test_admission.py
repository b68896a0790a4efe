"""How much somebody may ask: customers each, everybody else by address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jwt
import pytest

from services.gateway.rate_limit import OF_PASSWORD

if TYPE_CHECKING:
    from tests.services.asgi import Answer
    from tests.services.gateway.conftest import Backends, Door

CUSTOMER_BURST, ADDRESS_BURST, PASSWORD_BURST = 40, 60, int(OF_PASSWORD.burst)
"""Two seconds of what the fixture allows, and what is always allowed."""
NOTHING: Mapping[str, str] = {}
PAGE: dict[str, object] = {"restaurants": [], "next": None}
CREDENTIALS = {"email": "ada@feastfast.example", "password": "long-enough"}


@pytest.fixture(autouse=True)
def answering(backends: Backends) -> None:
    backends.answer("GET /internal/restaurants", PAGE)
    backends.answer("POST /internal/sign-in", {"customer_id": 7})


async def times(
    door: Door, number: int, *, customer: int | None = None, client: str = "10.0.0.1", headers: Mapping[str, str] = NOTHING
) -> list[int]:
    path = "/v1/restaurants"
    return [(await door.ask("GET", path, customer=customer, client=client, **headers)).status for _ in range(number)]


def assert_limited(answer: Answer, retry_after_s: int = 1) -> None:
    assert (answer.status, answer.headers["retry-after"]) == (429, str(retry_after_s))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["title"] == "Too Many Requests"


async def test_a_customer_has_a_limit_that_other_customers_do_not_feel(door: Door) -> None:
    assert await times(door, CUSTOMER_BURST, customer=7) == [200] * CUSTOMER_BURST
    assert_limited(await door.ask("GET", "/v1/restaurants"))
    assert await times(door, 1, customer=8) == [200]


async def test_a_customer_has_it_wherever_they_come_from(door: Door) -> None:
    await times(door, CUSTOMER_BURST, customer=7)
    assert await times(door, 1, customer=7, client="10.0.0.2") == [429]


async def test_a_customer_may_go_on_when_they_were_told_to(door: Door) -> None:
    await times(door, CUSTOMER_BURST + 1, customer=7)
    door.clock.now_s += 1
    assert await times(door, 1, customer=7) == [200]


async def test_who_has_not_signed_in_has_the_limit_of_the_address(door: Door) -> None:
    assert set(await times(door, ADDRESS_BURST)) == {200}
    assert_limited(await door.ask("GET", "/v1/restaurants", customer=None))
    assert await times(door, 1, client="10.0.0.2") == [200]
    assert await times(door, 1, customer=7) == [200]


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "X_Real_IP"])
async def test_nobody_gets_another_address_by_saying_so(door: Door, header: str) -> None:
    await times(door, ADDRESS_BURST)
    assert await times(door, 1, headers={header: "10.9.9.9"}) == [429]


async def test_guessing_tokens_counts_for_the_address(door: Door) -> None:
    forged = jwt.encode({"sub": "7", "iss": "feastfast", "exp": 9_999_999_999}, "another-key-of-at-least-32-characters", "HS256")
    await times(door, ADDRESS_BURST, headers={"Authorization": f"Bearer {forged}"})
    assert await times(door, 1) == [429]
    assert await times(door, 1, customer=7) == [200]


async def test_passwords_of_one_email_are_not_tried_by_the_thousand(door: Door, backends: Backends) -> None:
    for _ in range(PASSWORD_BURST):
        assert (await door.ask("POST", "/v1/sessions", CREDENTIALS, customer=None)).status == 201
    assert_limited(await door.ask("POST", "/v1/sessions", CREDENTIALS, customer=None))
    same = CREDENTIALS | {"email": " ADA@feastfast.example"}
    assert_limited(await door.ask("POST", "/v1/sessions", same, customer=None))
    assert_limited(await door.ask("POST", "/v1/customers", CREDENTIALS | {"name": "Ada"}, customer=None))
    assert len(backends.asked) == PASSWORD_BURST


async def test_who_tries_somebodys_passwords_does_not_lock_them_out(door: Door) -> None:
    for _ in range(PASSWORD_BURST + 1):
        await door.ask("POST", "/v1/sessions", CREDENTIALS, customer=None)
    assert (await door.ask("POST", "/v1/sessions", CREDENTIALS, customer=None, client="10.0.0.2")).status == 201
