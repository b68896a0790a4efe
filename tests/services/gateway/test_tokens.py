"""A token that was not issued here, was changed or has run out names nobody."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING

import jwt
import pytest

from services.gateway.tokens import LIFETIME_S, Tokens
from services.kit.errors import UnauthenticatedError

if TYPE_CHECKING:
    from tests.services.gateway.conftest import Door

KEY = "signing-key-of-tests-32-characters"
GOOD = {"sub": "7", "iss": "feastfast", "exp": 9_999_999_999}


def unsigned(claims: dict[str, object], algorithm: str) -> str:
    """Header and claims with no signature behind them."""
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({"alg": algorithm}, claims)]
    return f"{parts[0]}.{parts[1]}."


def changed(claims: dict[str, object]) -> str:
    """Good claims' signature under other claims."""
    head, _, signature = jwt.encode(GOOD, KEY, "HS256").split(".")
    return f"{head}.{jwt.encode(claims, KEY, 'HS256').split('.')[1]}.{signature}"


BAD = {
    "another key": jwt.encode(GOOD, "another-key-of-at-least-32-characters", "HS256"),
    "another algorithm": jwt.encode(GOOD, KEY + "x" * 30, "HS512"),
    "no signature": unsigned(GOOD, "none"),
    "no signature but a claim to one": unsigned(GOOD, "HS256"),
    "changed": changed(GOOD | {"sub": "8"}),
    "run out": jwt.encode(GOOD | {"exp": 1}, KEY, "HS256"),
    "for ever": jwt.encode({"sub": "7", "iss": "feastfast"}, KEY, "HS256"),
    "of somebody else": jwt.encode(GOOD | {"iss": "somebody"}, KEY, "HS256"),
    "of nobody": jwt.encode({"iss": "feastfast", "exp": 9_999_999_999}, KEY, "HS256"),
    "of no number": jwt.encode(GOOD | {"sub": "ada"}, KEY, "HS256"),
    "from the future": jwt.encode(GOOD | {"nbf": 9_999_999_998}, KEY, "HS256"),
    "no token": "nonsense",
    "three dots": "a.b.c",
}


def test_a_token_names_its_customer_as_long_as_it_lasts() -> None:
    tokens = Tokens(KEY)
    token = tokens.issue(7)
    assert tokens.customer_of(f"Bearer {token}") == tokens.customer_of(f"bearer {token}") == 7
    left_s = jwt.decode(token, KEY, ["HS256"], issuer="feastfast")["exp"] - time.time()
    assert LIFETIME_S - 5 < left_s <= LIFETIME_S


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
def test_a_bad_token_names_nobody(token: str) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^the token is not valid or has expired; sign in again$"):
        Tokens(KEY).customer_of(f"Bearer {token}")


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
async def test_a_bad_token_is_a_401_that_says_how_to_do_it(door: Door, token: str) -> None:
    answer = await door.ask("GET", "/v1/orders", Authorization=f"Bearer {token}")
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert not door.backends.asked


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic YWRhOng=", "Bearer \xe9", "Token x"])
async def test_without_a_token_nothing_is_asked_of_anybody(door: Door, authorization: str) -> None:
    answer = await door.ask("GET", "/v1/notifications", Authorization=authorization)
    assert answer.status == 401
    assert not door.backends.asked
